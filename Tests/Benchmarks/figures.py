"""The figures that have a budget; each is a function of the bench."""

from dataclasses import replace

from loads import Connecting, FromRedis, Publishing, PublishingOverTLS, PublishingToPusher

FAN_OUT = Publishing(channels=1, subscribers=200, units=300, warm_up=20)
STREAMS = Publishing(channels=1, subscribers=200, units=300, warm_up=20, path="/sse")
LONE_STREAM = Publishing(channels=1, subscribers=1, units=1_500, warm_up=50, path="/sse")
GZIP = (("Accept_Encoding", "gzip"),)
STREAMS_IN_GZIP = replace(STREAMS, headers=GZIP)
LONE_STREAM_IN_GZIP = replace(LONE_STREAM, headers=GZIP)
LONE_SUBSCRIBER = Publishing(channels=1, subscribers=1, units=1_500, warm_up=50)
SMALL_CHANNELS = Publishing(channels=64, subscribers=10, in_flight=64, units=64 * 30, warm_up=64 * 2)
TWO_CHANNELS = Publishing(channels=2, subscribers=100, shares_connections=True, units=200, warm_up=20)
CONNECTIONS = Connecting(units=800, warm_up=50)
REDIS = FromRedis(units=1_500, warm_up=50)


def _delivery(bench):
    """The cost that one more subscriber adds to a message."""
    return (bench.marginal(FAN_OUT) - bench.marginal(LONE_SUBSCRIBER)) / (FAN_OUT.subscribers - 1)


def instructions_per_delivery(bench):
    return _delivery(bench).instructions


def instructions_per_delivery_to_a_stream(bench):
    return ((bench.marginal(STREAMS) - bench.marginal(LONE_STREAM)) / (STREAMS.subscribers - 1)).instructions


def instructions_per_delivery_to_a_stream_in_gzip(bench):
    many, one = bench.marginal(STREAMS_IN_GZIP), bench.marginal(LONE_STREAM_IN_GZIP)
    return ((many - one) / (STREAMS_IN_GZIP.subscribers - 1)).instructions


def instructions_per_delivery_to_pusher(bench):
    many = PublishingToPusher(channels=1, subscribers=200, units=300, warm_up=20)
    one = PublishingToPusher(channels=1, subscribers=1, units=500, warm_up=50)
    return ((bench.marginal(many) - bench.marginal(one)) / (many.subscribers - 1)).instructions


def instructions_per_delivery_over_tls(bench):
    return _secure_delivery(bench, "openssl").instructions


def instructions_per_delivery_over_compact_tls(bench):
    return _secure_delivery(bench, "compact").instructions


def _secure_delivery(bench, records):
    many = PublishingOverTLS(channels=1, subscribers=100, units=200, warm_up=20, records=records)
    one = PublishingOverTLS(channels=1, subscribers=1, units=500, warm_up=20, records=records)
    return (bench.marginal(many) - bench.marginal(one)) / (many.subscribers - 1)


def instructions_per_message(bench):
    return (bench.marginal(LONE_SUBSCRIBER) - _delivery(bench)).instructions


def instructions_per_delivery_in_small_channels(bench):
    return bench.marginal(SMALL_CHANNELS).instructions / SMALL_CHANNELS.subscribers


def instructions_per_delivery_of_two_channels(bench):
    return bench.marginal(TWO_CHANNELS).instructions / TWO_CHANNELS.subscribers


def instructions_per_message_from_redis(bench):
    return bench.marginal(REDIS).instructions


def instructions_per_connection(bench):
    return bench.marginal(CONNECTIONS).instructions


def allocations_per_1000_deliveries(bench):
    return bench.marginal(FAN_OUT).allocations / FAN_OUT.subscribers * 1_000


def allocations_per_1000_more_subscribers(bench):
    return _delivery(bench).allocations * 1_000


def allocations_per_connection(bench):
    return bench.marginal(CONNECTIONS).allocations


def resident_bytes_per_idle_connection(bench):
    return bench.idle_memory()["Rss"]


def own_bytes_per_idle_connection(bench):
    return bench.idle_memory()["Anonymous"]


def own_bytes_per_idle_stream(bench):
    return bench.idle_memory("/sse")["Anonymous"]


def own_bytes_per_pusher_session(bench):
    """What an idle connection takes more if its client speaks Pusher."""
    return bench.idle_memory_of_pusher()["Anonymous"]


def own_bytes_per_token(bench):
    """What an idle connection takes more if its client has a token and a user of its own."""
    return bench.idle_memory_with_tokens()["Anonymous"] - bench.idle_memory()["Anonymous"]


def own_bytes_per_idle_connection_over_tls(bench):
    return bench.idle_memory_over_tls("openssl")["Anonymous"]


def own_bytes_per_idle_connection_over_compact_tls(bench):
    return bench.idle_memory_over_tls("compact")["Anonymous"]
