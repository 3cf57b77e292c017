// uWebSockets with the endpoints of peers/README.md: its own event loop on epoll, one thread, its native publish.
// `../build UWEBSOCKETS` compiles it against a checkout. Usage: uws PORT
#include "App.h"

#include <cstdio>
#include <cstdlib>
#include <string>

struct Subscriber {
    std::string channel;
};

static unsigned int connections;

static uWS::App::WebSocketBehavior<Subscriber> subscribing() {
    uWS::App::WebSocketBehavior<Subscriber> behavior;
    behavior.compression = uWS::DISABLED;
    behavior.idleTimeout = 0;
    behavior.sendPingsAutomatically = false;
    behavior.maxBackpressure = 64 * 1024 * 1024;
    behavior.upgrade = [](auto *response, auto *request, auto *context) {
        response->template upgrade<Subscriber>(
            {std::string(request->getQuery("channel"))}, request->getHeader("sec-websocket-key"),
            request->getHeader("sec-websocket-protocol"), request->getHeader("sec-websocket-extensions"), context);
    };
    behavior.open = [](auto *socket) {
        socket->subscribe(socket->getUserData()->channel);
        connections++;
    };
    behavior.close = [](auto *, int, std::string_view) { connections--; };
    return behavior;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fputs("usage: uws PORT\n", stderr);
        return 2;
    }
    const int port = std::atoi(argv[1]);
    uWS::App app;
    app.ws<Subscriber>("/ws", subscribing());
    app.post("/publish", [&app](auto *response, auto *request) {
        response->onAborted([] {});
        response->onData([&app, response, channel = std::string(request->getQuery("channel")),
                          body = std::string()](std::string_view part, bool isLast) mutable {
            body.append(part);
            if (!isLast) return;
            app.publish(channel, body, uWS::OpCode::TEXT);
            response->end("{}");
        });
    });
    app.get("/health", [](auto *response, auto *) {
        response->end("{\"status\":\"ok\",\"connections\":" + std::to_string(connections) + "}");
    });
    app.listen("127.0.0.1", port, [port](auto *socket) {
        if (socket) return;
        std::fprintf(stderr, "uws: cannot listen on port %d\n", port);
        std::exit(1);
    });
    app.run();
}
