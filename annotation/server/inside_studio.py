"""Runs in Label Studio's own interpreter: brings its database up to date and makes the accounts. Can be repeated.

Told on standard input, as JSON: {"admin": email, "accounts": [{"email", "password", "shown_as", "active",
"reset"}]}: reset sets the password of an account that is there already.
Answers on standard output, one JSON object a line: {"migrations": [done, all]} while it works, then {"accounts":
{email: {"user": number, "token": text}}}. Imports nothing of the project, which is not installed there.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path


def tell(**what) -> None:
    print("\x1e" + json.dumps(what), flush=True)


class Applied:
    """What Django's `migrate` writes to, to count the migrations that it reports."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def write(self, text: str) -> None:
        if text.lstrip().startswith("Applying "):
            self.done += 1
            if self.done % 20 == 0:
                tell(migrations=[self.done, self.total])

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    connection.prepare_database()
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        # For each step Django makes the classes of most tables anew. To look through all of them for garbage as often
        # as Python does by itself takes a quarter of the time; so seldom, it takes 0.1 GB.
        gc.freeze()
        gc.set_threshold(200_000, 50, 50)
        tell(migrations=[0, len(plan)])
        call_command("migrate", interactive=False, verbosity=1, no_color=True, stdout=Applied(len(plan)))


def ensure_account(asked: dict):
    """The account, made or brought to what is asked; None for a closed one that never was."""
    from rest_framework.authtoken.models import Token
    from users.models import User

    user = User.objects.filter(email__iexact=asked["email"]).first()
    if user is None:
        if not asked["active"]:
            return None
        user = User.objects.create_user(email=asked["email"], password=asked["password"])
    elif asked["password"] and (asked["reset"] or not user.is_active):
        user.set_password(asked["password"])
    if not asked["active"]:
        Token.objects.filter(user=user).delete()
        user.set_unusable_password()
    user.is_active = asked["active"]
    user.username = user.first_name = asked["shown_as"]
    user.save()
    return user


def join(organization, user) -> None:
    """Make somebody a member, one who was taken out of it too."""
    from organizations.models import OrganizationMember

    organization.add_user(user)
    OrganizationMember.objects.filter(organization=organization, user=user).update(deleted_at=None)
    user.active_organization = organization
    user.save(update_fields=["active_organization"])


def organization_of(admin):
    from organizations.models import Organization

    organization = Organization.objects.order_by("pk").first()
    if organization is None:
        organization = Organization.create_organization(created_by=admin, title="Review")
    organization.jwt.legacy_api_tokens_enabled = True
    organization.jwt.save()
    return organization


def main() -> None:
    asked = json.load(sys.stdin)
    import label_studio

    # Label Studio's parts import each other as top-level modules.
    sys.path.insert(0, str(Path(label_studio.__file__).parent))
    import django

    django.setup()
    migrate()
    from rest_framework.authtoken.models import Token

    users = {each["email"]: ensure_account(each) for each in asked["accounts"]}
    admin = users[asked["admin"]]
    admin.is_staff = admin.is_superuser = True
    admin.save()
    organization = organization_of(admin)
    accounts = {}
    for email, user in users.items():
        if user is None:
            continue
        token = ""
        if user.is_active:
            join(organization, user)
            token = Token.objects.get_or_create(user=user)[0].key
        accounts[email] = {"user": user.pk, "token": token}
    tell(accounts=accounts)


if __name__ == "__main__":
    main()
