-- Replaced by one that also does what is to be done with the tables locked.
drop function if exists rekey.lock_briefly(regclass);
