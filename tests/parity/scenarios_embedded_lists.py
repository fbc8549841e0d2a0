"""EmbeddedDocumentList: its own queries and edits."""


def _post(me):
    class Comment(me.EmbeddedDocument):
        author = me.StringField()
        text = me.StringField(db_field="t")
        votes = me.IntField(default=0)

    class Post(me.Document):
        comments = me.EmbeddedDocumentListField(Comment, db_field="cs")

    Post(
        comments=[
            Comment(author="ada", text="one", votes=1),
            Comment(author="bob", text="two", votes=2),
            Comment(author="ada", text="three", votes=3),
        ]
    ).save()
    return Post.objects.first(), Comment


def filtering(me, db):
    post, _comment = _post(me)
    comments = post.comments
    return [
        type(comments),
        comments.filter(author="ada"),
        comments.filter(author="ada", votes=3),
        comments.filter(),
        comments.filter(author="nobody"),
        db.error(comments.filter, nope=1),
        db.error(comments.filter, author__ne="ada"),
    ]


def excluding(me, db):
    post, _comment = _post(me)
    return [
        post.comments.exclude(author="ada"),
        post.comments.exclude(author="ada", votes=1),
        post.comments.exclude(),
        db.error(post.comments.exclude, nope=1),
    ]


def counting_and_first(me, db):
    post, _comment = _post(me)
    return [
        post.comments.count(),
        post.comments.filter(author="ada").count(),
        post.comments.first(),
        post.comments.filter(author="x").first(),
        len(post.comments),
    ]


def getting_one(me, db):
    post, _comment = _post(me)
    return [
        post.comments.get(author="bob"),
        db.error(post.comments.get, author="nobody"),
        db.error(post.comments.get, author="ada"),
        db.error(post.comments.get, nope=1),
        db.error(post.comments.get),
    ]


def creating(me, db):
    post, _comment = _post(me)
    made = post.comments.create(author="eve", text="new")
    changed = post._get_changed_fields()
    stored_before = len(db.raw("post")[0]["cs"])
    db.quiet()
    post.save()
    return [
        made,
        changed,
        stored_before,
        db.commands(),
        db.error(post.comments.create, nope=1),
    ]


def saving_the_list(me, db):
    post, _comment = _post(me)
    post.comments[0].text = "changed"
    db.quiet()
    result = post.comments.save()
    return [result, db.commands(), db.raw("post"), post._get_changed_fields()]


def deleting_matches(me, db):
    post, _comment = _post(me)
    count = post.comments.filter(author="ada").delete()
    changed = post._get_changed_fields()
    db.quiet()
    post.save()
    return [count, changed, post.comments, db.commands()]


def deleting_everything(me, db):
    post, _comment = _post(me)
    count = post.comments.delete()
    post.save()
    return [count, post.comments, db.raw("post")]


def updating_matches(me, db):
    post, _comment = _post(me)
    count = post.comments.filter(author="ada").update(text="new", votes=9)
    changed = post._get_changed_fields()
    none = post.comments.filter(author="nobody").update(text="x")
    nothing = post.comments.update()
    outcome = db.error(post.comments.update, nope=1)
    db.quiet()
    post.save()
    return [count, changed, none, nothing, outcome, db.commands()]


def filters_keep_tracking(me, db):
    post, _comment = _post(me)
    post.comments.filter(author="bob")[0].text = "edited"
    post.comments.get(author="bob").votes = 10
    return [post._get_changed_fields(), post._delta()]


def lists_made_by_hand(me, db):
    post, comment = _post(me)
    new = type(post)(comments=[comment(author="z")])
    before = type(new.comments)
    new.comments.create(author="y")
    new.comments.append(comment(author="w"))
    new.save()
    return [before, db.raw("post")[-1], new.comments.count()]


def filtered_by_two_of_one_field(me, db):
    post, _comment = _post(me)
    matching = post.comments.filter(author="ada").filter(votes=3)
    return [
        matching,
        post.comments.filter(author="ada").exclude(votes=3),
        type(matching),
        matching.get(votes=3),
    ]


def wrong_items(me, db):
    post, _comment = _post(me)
    post.comments.append("text")
    return [db.error(post.validate), db.error(post.save)]


def lists_in_lists(me, db):
    class Vote(me.EmbeddedDocument):
        by = me.StringField()

    class Comment(me.EmbeddedDocument):
        votes = me.EmbeddedDocumentListField(Vote)

    class Post(me.Document):
        comments = me.EmbeddedDocumentListField(Comment)

    Post(comments=[Comment(votes=[Vote(by="a"), Vote(by="b")])]).save()
    post = Post.objects.first()
    post.comments[0].votes.filter(by="a").delete()
    post.comments[0].votes.create(by="c")
    changed = post._get_changed_fields()
    post.save()
    return [changed, db.raw("post"), type(post.comments[0].votes)]


def slicing_an_embedded_list(me, db):
    post, _comment = _post(me)
    piece = post.comments[1:]
    return [
        type(piece),
        [c.text for c in piece],
        db.error(lambda: piece.count()),
        post.comments[-1].text,
        [c.votes for c in reversed(post.comments)],
        post.comments.index(post.comments[1]),
    ]


def querying_embedded_lists(me, db):
    post, _comment = _post(me)
    model = type(post)
    db.quiet()
    return [
        model.objects(comments__author="ada").count(),
        model.objects(comments__2__text="three").count(),
        model.objects(comments__match={"author": "ada", "votes": 1}).count(),
        model.objects.update(pull__comments__author="ada"),
        db.commands(),
        db.raw("post"),
    ]
