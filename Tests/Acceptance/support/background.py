"""Background work in a thread, during a test's `with` statement."""

import threading


class Background:
    """A thread that runs `work` until `stopped` is set; `stop` raises its exception, if there was one."""

    def __init__(self):
        self.failure = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def work(self):
        raise NotImplementedError

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopped.set()
        self.thread.join()
        if self.failure:
            raise AssertionError(f"{type(self).__name__} failed") from self.failure

    def _run(self):
        try:
            self.work()
        except Exception as failure:  # raised again in the test's thread
            self.failure = failure
