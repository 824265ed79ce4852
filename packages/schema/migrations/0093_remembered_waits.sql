-- What a rotation waits for, and since when, by the word for it (docs/adr/0111): several workers take turns, and what one of them says
-- last does not make what another one waits for begin anew.
alter table rekey.rotations add column waits jsonb;
