"""The same scenario on upstream and on this package, and what differs.

A scenario is a function of a module `scenarios_*.py` of this folder:

    def saving_sends_one_insert(me, db):
        class Person(me.Document):
            name = me.StringField()

        Person(name="Ada").save()
        return {"commands": db.commands(), "stored": db.raw("person")}

`me` is the library, `db` is `harness.Database`.  What it returns is plain data;
`values.Canon` turns it into JSON in which ids, addresses, ports, database names
and the present time are placeholders.

    python -m tests.parity.report                     run everything, compare
    python -m tests.parity.report --only PATTERN      ... what matches (regex)
    python -m tests.parity.report --ways ours,touch,async
    python -m tests.parity.run --library oracle --only PATTERN --show
"""
