#ifndef CPROCESS_H
#define CPROCESS_H

// The arguments of the process as the kernel put them on its stack.
int cprocess_argument_count(void);
const char *cprocess_argument(int index);

#endif
