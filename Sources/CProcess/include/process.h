#ifndef CPROCESS_H
#define CPROCESS_H

// The process' arguments, as the kernel passed them.
int cprocess_argument_count(void);
const char *cprocess_argument(int index);

#endif
