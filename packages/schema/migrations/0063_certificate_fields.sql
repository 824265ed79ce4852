-- What certificates say besides (docs/adr/0083): under which version of a KEK a DEK was and is wrapped, and how long
-- applications said that opening and sealing took them.
alter table rekey.rewrapped_deks add column from_kek_version text, add column kek_version text;
-- Of the DEK that was destroyed; its material is deleted.
alter table rekey.key_destructions add column kek_id text, add column kek_version text;

-- Of all reports of ten seconds together. A few rows for each, so that reports at one moment do not wait for one another.
create table rekey.reported_latencies (
  bucket timestamptz,
  operation text check (operation in ('open', 'seal')),
  slot smallint,
  reports bigint not null,
  operations bigint not null,
  -- Of what was reported, in microseconds: the percentiles of several processes have no common one.
  p50_least bigint not null,
  p50_most bigint not null,
  p99_least bigint not null,
  p99_most bigint not null,
  primary key (bucket, operation, slot)
);
