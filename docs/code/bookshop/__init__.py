"""A bookshop: the models of one package, used by several programs.

    api.py      an asynchronous service on FastAPI
    web.py      a blocking service on Flask
    worker.py   jobs that are done in the background
    migrate.py  a change of stored documents, in batches

They run from the folder that this package is in; `MONGODB_URI` names the server.
"""
