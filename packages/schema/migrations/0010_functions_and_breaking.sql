-- Functions live in files of their own from here on: each is replaced when its text has changed.
create table rekey.functions (
  name text primary key,
  sha256 text not null,
  -- Of the program that brought it: an older one leaves it alone.
  revision integer not null,
  replaced_at timestamptz not null default now()
);

-- Whether a version that does not know a migration must stop working here.
alter table rekey.migrations add column breaking boolean not null default false;
