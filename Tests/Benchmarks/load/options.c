#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Options options = {
    .connections = 100, .channels = 1, .handshakes = 256,
    .messages = 1000, .warm_up = 100, .window = 8, .size = 128,
    .timeout = 60,
    .path = "/ws?channel=c%d", .kind = "websocket", .publish = "http", .publish_path = "/publish?channel=c%d", .processes = "",
};

static const struct {
    const char *name;
    enum { TEXT, WHOLE, REAL } kind;
    void *value;
    double least;
    const char *help;
} known[] = {
    {"--port", WHOLE, &options.port, 1, "P        the server's port on 127.0.0.1"},
    {"--as", TEXT, &options.kind, 0, "KIND       what subscribers are: websocket, sse (event streams) or pusher [websocket]"},
    {"--path", TEXT, &options.path, 0, "T        of the subscribers; %d in it is the channel's number [/ws?channel=c%d]"},
    {"--conns", WHOLE, &options.connections, 1, "N       subscribers [100]"},
    {"--channels", WHOLE, &options.channels, 1, "C    subscriber i joins channel i modulo C [1]"},
    {"--batch", WHOLE, &options.handshakes, 1, "B       handshakes under way at once [256]"},
    {"--slow", WHOLE, &options.slow, 0, "K        the first K subscribers never read [0]"},
    {"--pub", TEXT, &options.publish, 0, "HOW       http, redis, or none: only connect [http]"},
    {"--pub-port", WHOLE, &options.publish_port, 1, "P    port of the publisher's connection [--port]"},
    {"--pub-path", TEXT, &options.publish_path, 0, "T    path, or Redis channel; may hold a %d [/publish?channel=c%d]"},
    {"--msgs", WHOLE, &options.messages, 1, "M        messages that are measured [1000]"},
    {"--warm", WHOLE, &options.warm_up, 0, "W        messages before them [100]"},
    {"--window", WHOLE, &options.window, 1, "W      publish the next message when fewer than W are on their way [8]"},
    {"--rate", REAL, &options.rate, 0, "R        publish R messages a second instead, whether or not they arrive"},
    {"--size", WHOLE, &options.size, 32, "S        bytes of a message [128]"},
    {"--pid", TEXT, &options.processes, 0, "P[,P...]  processes whose CPU time and memory are the server's"},
    {"--timeout", REAL, &options.timeout, 0, "S     stop after S seconds, and report what was reached [60]"},
};
enum { KNOWN = sizeof known / sizeof *known };

void die(const char *message) {
    fprintf(stderr, "wsload: %s\n", message);
    exit(2);
}

_Noreturn static void help(void) {
    puts("wsload --port P [options]: subscribes, publishes, counts every delivery, and prints one line of JSON.\n"
         "The exit status is 0 if all was delivered, 1 if not, 2 if it could not start.\n");
    for (int i = 0; i < KNOWN; i++) printf("  %s %s\n", known[i].name, known[i].help);
    exit(0);
}

static void set(int option, const char *text) {
    char *end = NULL, message[256];
    errno = 0;
    double number = 0;
    switch (known[option].kind) {
    case TEXT:
        *(const char **)known[option].value = text;
        return;
    case WHOLE:
        number = (double)(*(long *)known[option].value = strtol(text, &end, 10));
        break;
    case REAL:
        number = *(double *)known[option].value = strtod(text, &end);
        break;
    }
    if (end == text || *end || errno || number < known[option].least) {
        snprintf(message, sizeof message, "%s takes a number from %g, not '%.100s'", known[option].name,
                 known[option].least, text);
        die(message);
    }
}

void read_options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) help();
        int option = 0;
        while (option < KNOWN && strcmp(argv[i], known[option].name)) option++;
        if (option == KNOWN) die("unknown option; see wsload --help");
        if (++i == argc) die("an option lacks its value; see wsload --help");
        set(option, argv[i]);
    }
    if (!options.port) die("--port is needed; see wsload --help");
    if (!options.publish_port) options.publish_port = options.port;
    if (strcmp(options.kind, "websocket") && strcmp(options.kind, "sse") && strcmp(options.kind, "pusher"))
        die("--as is websocket, sse or pusher");
    if (strcmp(options.publish, "http") && strcmp(options.publish, "redis") && strcmp(options.publish, "none"))
        die("--pub is http, redis or none");
}

void fill_template(char *out, unsigned long capacity, const char *template, long number) {
    const char *place = strstr(template, "%d");
    if (place)
        snprintf(out, capacity, "%.*s%ld%s", (int)(place - template), template, number, place + 2);
    else
        snprintf(out, capacity, "%s", template);
}
