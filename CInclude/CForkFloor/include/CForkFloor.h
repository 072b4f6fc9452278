int cforkfloor_x(void);
