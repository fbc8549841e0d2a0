"""Operations: the body of each, written once.

`from mongoengine.operations import read` gives a module that is imported when one of
its operations is first used; see `driver/deferred.py`.
"""

from typing import TYPE_CHECKING

from mongoengine.driver.deferred import deferring

if not TYPE_CHECKING:
    __getattr__ = deferring(
        __name__,
        "aggregate bulk changes collections copies delete delete_document dereference "
        "fetch get_or_create gridfs gridfs_fields gridfs_upload in_batches indexes "
        "insert joined load map_reduce paginate read related retry save "
        "select_related sequences stored validate watch write",
    )
