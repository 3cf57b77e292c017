// One connection that publishes, over HTTP or to Redis. It reads responses but does not wait for them.
#pragma once

#include <stdint.h>

extern uint64_t publish_errors;

void open_publisher(void);
void publish(long channel);
void read_publish_answers(void);
