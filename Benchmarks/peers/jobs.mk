# SPDX-License-Identifier: Apache-2.0

# The jobs of a runner as targets of make: make -j2 -O JOBS=2000 CHILD=/bin/true -f jobs.mk
jobs := $(addprefix job-,$(shell seq $(JOBS)))

.PHONY: all $(jobs)
all: $(jobs)

$(jobs): job-%:
	@$(CHILD) $*
