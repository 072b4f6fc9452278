int cforkfloor_x(void){return 0;}
