"""django-rest-framework-mongoengine: serializers and a view set, over HTTP requests."""

import os

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["rest_framework", "rest_framework_mongoengine"],
    ROOT_URLCONF="__main__",
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="for this example only",
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
    USE_TZ=True,
)
django.setup()

from django.test import Client  # noqa: E402
from rest_framework_mongoengine import routers, serializers, viewsets  # noqa: E402

from mongoengine import (  # noqa: E402
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_django_rest", host=os.environ["MONGODB_URI"])


class Address(EmbeddedDocument):
    street = StringField(required=True)


class Team(Document):
    name = StringField(required=True, unique=True)


class User(Document):
    name = StringField(required=True, max_length=10)
    age = IntField(min_value=0)
    tags = ListField(StringField())
    extra = DictField()
    address = EmbeddedDocumentField(Address)
    team = ReferenceField(Team)


class UserSerializer(serializers.DocumentSerializer):
    class Meta:
        model = User
        fields = "__all__"
        depth = 0


class TeamSerializer(serializers.DocumentSerializer):
    class Meta:
        model = Team
        fields = "__all__"


class UserViewSet(viewsets.ModelViewSet):
    lookup_field = "id"
    serializer_class = UserSerializer

    def get_queryset(self):
        return User.objects.order_by("name")


router = routers.DefaultRouter()
router.register(r"users", UserViewSet, basename="user")
urlpatterns = router.urls

User.drop_collection()
Team.drop_collection()
team = Team(name="blue").save()
print("serializer", sorted(UserSerializer().get_fields()))
client = Client()
body = {
    "name": "Ada",
    "age": 36,
    "tags": ["x"],
    "extra": {"k": 1},
    "address": {"street": "Main Street"},
    "team": str(team.pk),
}


def show(response):
    data = response.json() if response.content else None
    text = str(data)
    for document in [*User.objects, *Team.objects, *gone]:
        text = text.replace(str(document.pk), "ID")
    print(response.status_code, text)


gone = []
show(client.post("/users/", body, content_type="application/json"))
show(client.get("/users/"))
user = User.objects.get()
show(client.get(f"/users/{user.pk}/"))
show(client.patch(f"/users/{user.pk}/", {"age": 37}, content_type="application/json"))
show(client.put(f"/users/{user.pk}/", {"age": -1}, content_type="application/json"))
show(
    client.post(
        "/users/", {"name": "much longer than ten"}, content_type="application/json"
    )
)
gone.append(user)
show(client.delete(f"/users/{user.pk}/"))
print("left", User.objects.count())
taken = TeamSerializer(data={"name": "blue"})
print("unique", taken.is_valid(), dict(taken.errors))
