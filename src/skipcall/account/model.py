"""The answer of `GET /v1/me`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from skipcall.workspaces.model import Id, Timestamp


class MeApiKey(msgspec.Struct, frozen=True, rename="camel"):
    """The key of this request, without its secret."""

    id: Id
    name: str
    prefix: Annotated[str, Meta(description="The part of the key that may be shown")]
    environment: Literal["LIVE", "TEST"]
    created_at: Timestamp
    expires_at: Timestamp | None


class MeOrganization(msgspec.Struct, frozen=True, rename="camel"):
    """The organization that the key belongs to."""

    id: Id
    name: str


class MeSubscription(msgspec.Struct, frozen=True, rename="camel"):
    """What the organization has agreed to."""

    plan: str | None
    status: Literal["ACTIVE", "TRIALING", "PAST_DUE", "CANCELED", "NONE"]
    ends_at: Timestamp | None


class MeLimits(msgspec.Struct, frozen=True, rename="camel"):
    """What a client has to keep to."""

    requests_per_minute: int
    body_bytes_max: int
    page_size_max: int


class MeWorkspace(msgspec.Struct, frozen=True, rename="camel"):
    """A workspace that the key may see."""

    id: Id
    name: str
    is_default: Annotated[bool, Meta(description="Whether new contacts go here when no workspaceId is given")]


class Me(msgspec.Struct, frozen=True, rename="camel"):
    """Who is asking, as `GET /v1/me` tells it."""

    api_key: MeApiKey
    organization: MeOrganization
    subscription: MeSubscription
    limits: MeLimits
    scopes: list[str]
    workspaces: list[MeWorkspace]
