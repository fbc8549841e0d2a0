"""Making, saving, reloading, updating and deleting one document."""


def saving_sends_one_insert(me, db):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField()

    person = Person(name="Ada", age=36)
    saved = person.save()
    return {
        "commands": db.commands(),
        "stored": db.raw("person"),
        "same": saved is person,
        "id": person.id,
        "person": person,
    }


def positional_arguments_are_refused(me, db):
    class Person(me.Document):
        name = me.StringField()

    class Address(me.EmbeddedDocument):
        city = me.StringField()

    return [db.error(Person, "Ada"), db.error(Address, "Rome")]
