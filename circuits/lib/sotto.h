// Types and status codes of the C interface to Sotto's native code.
#ifndef SOTTO_H
#define SOTTO_H

#include <stddef.h>
#include <stdint.h>

// Memory that the callee allocated. The caller releases it with sotto_free.
typedef struct {
    uint8_t *data;
    size_t size;
} sotto_buffer;

// What a call returns. Every code but SOTTO_OK and SOTTO_NOT_FOUND comes with a message.
enum {
    SOTTO_OK = 0,
    SOTTO_NOT_FOUND = 1,
    SOTTO_MALFORMED_INPUT = 2,
    SOTTO_INVALID_POINT = 3,
    SOTTO_WITNESS_REJECTED = 4,
    SOTTO_KEYS_UNAVAILABLE = 5,
    SOTTO_INTERNAL = 6,
};

#endif
