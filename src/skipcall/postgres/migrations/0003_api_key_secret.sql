-- Which secret the API keys were made under, so that a lost or wrong one is noticed before every key is refused.

CREATE TABLE api_key_secret (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    digest bytea NOT NULL CHECK (length(digest) = 32) -- HMAC-SHA256 of a fixed text under the secret
);
