"""BLAS on one thread: those of numpy's and scipy's products spin after their work, and slow the next forward pass."""


def hold_blas_to_one_thread() -> None:
    """For the whole process, and for what is loaded by now; torch's own products keep their threads.

    Set once and never back: to set it around each product costs more than the product, and two threads that do so
    would restore each other's setting.
    """
    from threadpoolctl import threadpool_limits  # it looks through all loaded libraries, which takes milliseconds

    threadpool_limits(limits=1, user_api="blas")
