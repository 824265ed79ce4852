-- Where an application brings tables of its own the third migration is passed over, and recorded as such: the tables that
-- ship are not there, and later files never name them.
alter table rekey.migrations add column if not exists skipped boolean not null default false;
