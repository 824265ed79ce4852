-- Events of all chains by their time: what an audit of the installation lists. Not concurrently, which would wait for every
-- transaction that is open: only those that record an event wait for this, about a second for each million of events.
create index events_by_time on rekey.events (at, chain, sequence);
