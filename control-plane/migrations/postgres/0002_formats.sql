-- What the client spoke, and the provider of the last attempt; empty where it is not known.
alter table usage_records add column client_format text not null default '';
alter table usage_records add column provider_format text not null default '';
