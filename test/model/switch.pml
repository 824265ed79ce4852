/*
 * One tenant's keys while a rotation switches, drains, sweeps, proves and completes: what docs/model.md tells of.
 *
 * A statement of Postgres is a step, or two where what it waits for lies between: first what its snapshot sees, then the
 * row it locks and reads anew. A transaction's end is one step: what it wrote is seen, and its locks are gone.
 *
 * Chosen by -D: a SCENE (who takes part), a MUTANT (a safeguard that is left out).
 */
#define NK 3      /* keys: the one of the beginning, and one for each of two rotations */
#define ABSENT 9  /* instead of a key: above all of them, as it is not to be swept */

/* scenes */
#ifndef NR
#define NR 1         /* records: one that exists, and perhaps one that an application may insert */
#endif
#ifndef WRITES
#define WRITES 1     /* transactions of the application that holds the key */
#endif
#ifndef STALE
#define STALE 1      /* transactions of the application that writes under a key it has known for long */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef PAUSES
#define PAUSES 1
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1  /* leases taken from a worker that was silent, and may come back */
#endif
#ifndef ROTATIONS
#define ROTATIONS 2
#endif

/* who is who in the sets of holders */
#define VAULT 0
#define PLAIN 1
#define OTHER 2   /* a second application of one of the two kinds, in scenes of progress */
#define WORKER(n) (2 + n)

mtype:state = { PRE_ACTIVE, ACTIVE, DEACTIVATED, DESTROYED };
mtype:status = { none, running, paused, completed, cancelled };

/* deks and dek_locks, as committed */
mtype:state state[NK] = PRE_ACTIVE;
bool opened[NK];              /* a lock row is there, and its closed_at is null */
bool horizon[NK];             /* drain_before is set */
/* locks on the lock rows */
byte share[NK];               /* the set of who holds it FOR SHARE */
bool taken[NK];               /* a switch or a drain that has not committed holds it FOR UPDATE */
/* transaction numbers: all that counts is which are above a key's horizon */
byte numbered;                /* the set of keys whose horizon has got its number */
byte late[5];                 /* of a transaction: the keys whose horizon is below its own number */

/* records, as committed, and who has one under way */
byte key[NR];
byte value[NR];
bool row[NR];

/* rotations and the range of each */
mtype:status status[NK] = none;
bool switched[NK], proved[NK];
bool rotation_row[NK], range_row[NK];
byte owner[NK];
byte current;                 /* the rotation that runs, or ran last */
byte takeovers = TAKEOVERS;

/* what only the properties look at */
byte acknowledged[NR];        /* the value of the last acknowledged write */
byte proof;                   /* the newest key that a proof was given for */
bool held_back;               /* paused, and not yet resumed */
bool wants;                   /* an application waits for a key */

#if NR > 1
#define CLEAN(r) (key[0] >= r && key[1] >= r)
#else
#define CLEAN(r) (key[0] >= r)
#endif
#define BIT(n) (1 << (n))
#ifdef MUTANT_PROOF_BEFORE_DRAIN
#define OLDER_OPEN(r) false
#else
#define OLDER_OPEN(r) ((r > 0 && opened[0]) || (r > 1 && opened[1]))
#endif
#define DRAINING(k) (state[k] == DEACTIVATED && opened[k])

/* Nobody writes under a key that is older than one for which a proof was given. */
inline check_fence(k) { assert(k >= proof) }

inline release(id) {
  share[0] = share[0] & ~BIT(id);
  share[1] = share[1] & ~BIT(id);
  share[2] = share[2] & ~BIT(id);
  late[id] = 0
}

/* Locks the row of key k FOR SHARE: waits for whoever has it FOR UPDATE, then reads closed_at anew. */
inline lock_share(id, k, got) {
  atomic {
    !taken[k] || (share[k] & BIT(id));
    got =
#ifdef MUTANT_CLOSED_NOT_READ_ANEW
      true;
#else
      opened[k];
#endif
#ifndef MUTANT_NO_SHARE
    if
    :: got -> share[k] = share[k] | BIT(id)
    :: else
    fi
#endif
  }
}

/*
 * At the end of a statement that wrote under key n. First the active key: what the snapshot saw of it is in `seen`. Then, with a
 * snapshot of its own, one that drains, for transactions from before its horizon.
 */
#define SEEN_ACTIVE(n) (state[n] == ACTIVE && opened[n])

inline fence(id, n, got) {
  if
  :: seen -> lock_share(id, n, got)
  :: else -> got = false
  fi;
  if
  :: got
  :: else ->
    d_step {
      seen = (DRAINING(n) && !(horizon[n] && (late[id] & BIT(n))))
    }
    if
    :: seen -> lock_share(id, n, got)
    :: else
    fi
  fi
}

inline begin(id) { late[id] = numbered }

/* Commits what the fence let pass, else rolls back. */
inline end_of_transaction(id, k, i, got) {
  row[i] = false;
  release(id);
  if
  :: got ->
    key[i] = k;
#ifndef FOR_EVER
    value[i] = value[i] + 1;
#endif
    acknowledged[i] = value[i];
    check_fence(k)
  :: else
  fi
}

/* An application with our library: holds the active key, then writes under it. */
proctype Vault(byte id; byte writes) {
  byte k, i;
  bool got, seen;
end:
  do
  :: writes > 0 ->
    writes--;
#ifdef FORGOTTEN
    wants = (id == VAULT);
#endif
#ifndef MUTANT_NUMBER_AFTER_POINTER
    begin(id);
#endif
    got = false;
    do
    :: !got ->
      if /* the pointer, read without a lock */
      :: state[0] == ACTIVE -> k = 0
      :: state[1] == ACTIVE -> k = 1
      :: state[2] == ACTIVE -> k = 2
      fi;
      lock_share(id, k, got)
    :: else -> break
    od;
#ifdef MUTANT_NUMBER_AFTER_POINTER
    begin(id);
#endif
#ifdef FORGOTTEN
    if
    :: id == VAULT -> wants = false
    :: id == OTHER /* its transaction may go on for ever */
    :: id == OTHER -> break
    fi;
#endif
    if
    :: i = 0
#if NR > 1
    :: i = 1
#endif
    fi;
    atomic { !row[i] -> row[i] = true; seen = SEEN_ACTIVE(k) }
    fence(id, k, got);
    atomic {
#ifndef HOLDERS_MAY_BE_REFUSED
      assert(got); /* who holds a key is never refused */
#endif
      end_of_transaction(id, k, i, got);
      k = 0; i = 0; got = false; seen = false
    }
  :: else -> break
  od
}

/* Any SQL writer: seals under a key that it looked up at some time, and is fenced at the end of its statement. */
proctype Plain(byte id; byte writes) {
  byte n, i;
  bool got, seen;
end:
  do
  :: writes > 0 ->
#ifndef FOR_EVER
    writes--;
#endif
#ifdef FOR_EVER
    n = 0;
    begin(id);
    i = id - 1; /* a record of its own: what they share is the key */
#else
    if
    :: n = 0
    :: state[1] != PRE_ACTIVE -> n = 1
    :: state[2] != PRE_ACTIVE -> n = 2
    fi;
    begin(id);
    if
    :: i = 0
#if NR > 1
    :: i = 1
#endif
    fi;
#endif
    atomic { !row[i] -> row[i] = true; seen = SEEN_ACTIVE(n) }
    fence(id, n, got);
    atomic {
      end_of_transaction(id, n, i, got);
      n = 0; i = 0; got = false; seen = false
    }
  :: else -> break
  od
}

/* What the switch and the drain have in common: the older lock rows that nobody holds, SKIP LOCKED. */
#ifdef MUTANT_DRAIN_MISSES_A_HOLDER
#define UNHELD(k) ((share[k] & ~BIT(PLAIN)) == 0)
#else
#define UNHELD(k) (share[k] == 0)
#endif

inline take(k, mask) {
  if
  :: opened[k] && UNHELD(k) && !taken[k] -> taken[k] = true; mask = mask | BIT(k)
  :: else
  fi
}

inline close(k, mask) {
  if
  :: mask & BIT(k) -> taken[k] = false; opened[k] = false
  :: else
  fi
}

inline do_switch(r) {
  atomic {
    !rotation_row[r];
    mask = 0;
    if
    :: status[r] == running && !switched[r] ->
      rotation_row[r] = true;
      go = true;
#ifdef MUTANT_SWITCH_WAITS
      /* Waits in the fair queue of the lock: who comes later queues behind it. */
      if :: opened[0] -> taken[0] = true; mask = mask | BIT(0) :: else fi;
      if :: r > 1 && opened[1] -> taken[1] = true; mask = mask | BIT(1) :: else fi
#else
      take(0, mask);
      if :: r > 1 -> take(1, mask) :: else fi
#endif
#ifdef MUTANT_HORIZON_IN_SWITCH
      ;numbered = numbered | BIT(0)
#endif
    :: else -> go = false
    fi
  }
  if
  :: go ->
#ifdef MUTANT_SWITCH_WAITS
    (share[0] == 0 || !(mask & BIT(0))) && (share[1] == 0 || !(mask & BIT(1)));
#endif
    atomic { /* commits */
        if
        :: state[0] == ACTIVE -> state[0] = DEACTIVATED
        :: state[1] == ACTIVE -> state[1] = DEACTIVATED
        fi;
        assert(state[0] != ACTIVE && state[1] != ACTIVE && state[2] != ACTIVE);
        state[r] = ACTIVE;
        opened[r] = true;
        close(0, mask);
        close(1, mask);
#ifdef MUTANT_HORIZON_IN_SWITCH
        horizon[0] = true;
#endif
        switched[r] = true;
        rotation_row[r] = false
    }
  :: else
  fi
}

#ifdef MUTANT_DRAIN_OF_THE_LAST_KEY_ONLY
#define TO_DRAIN(k) (DRAINING(k) && k + 1 == current)
#else
#define TO_DRAIN(k) DRAINING(k)
#endif

/* One autocommitted statement, of any worker's timer, for keys of any rotation: also of one that has ended. */
proctype Drain() {
  byte mask, marks;
end:
  do
  :: (TO_DRAIN(0) && (UNHELD(0) || !horizon[0])) || (TO_DRAIN(1) && (UNHELD(1) || !horizon[1])) ->
    d_step { /* those without a horizon, before it has a number of its own */
      marks = 0;
      if :: TO_DRAIN(0) && !horizon[0] -> marks = marks | BIT(0) :: else fi;
      if :: TO_DRAIN(1) && !horizon[1] -> marks = marks | BIT(1) :: else fi
    }
    d_step {
#ifndef MUTANT_NO_HORIZON
      numbered = numbered | marks;
#endif
      mask = 0;
      if :: TO_DRAIN(0) -> take(0, mask) :: else fi;
      if :: TO_DRAIN(1) -> take(1, mask) :: else fi
    }
    d_step { /* commits */
        close(0, mask);
        close(1, mask);
#ifndef MUTANT_NO_HORIZON
        if :: marks & BIT(0) -> horizon[0] = true :: else fi;
        if :: marks & BIT(1) -> horizon[1] = true :: else fi;
#endif
        mask = 0;
        marks = 0
    }
  od
}

#ifdef MUTANT_NO_LEASE
#define LEASED(me, r) true
#else
#define LEASED(me, r) (owner[r] == me)
#endif
#ifdef MUTANT_NO_CAS
#define AS_READ(i) true
#else
#define AS_READ(i) (key[i] == read_key && value[i] == read_value)
#endif

/* One record: what it read some time ago, if that is still what is there, sealed anew under the new key. */
inline batch(me, r, i) {
  atomic {
    !range_row[r];
    if
    :: LEASED(me, r) && !row[i] && AS_READ(i) ->
      range_row[r] = true;
      row[i] = true;
      begin(me);
      seen = SEEN_ACTIVE(r);
      go = true
    :: else -> go = false
    fi
  }
  if
  :: go ->
    fence(me, r, got);
    atomic {
      if
      :: got ->
        key[i] = r;
        value[i] = read_value;
        check_fence(r);
        assert(value[i] == acknowledged[i]); /* no acknowledged write is lost */
        assert(status[r] == running) /* one that is paused or has ended changes nothing any more */
      :: else
      fi;
      range_row[r] = false;
      row[i] = false;
      release(me)
    }
  :: else
  fi
}

/* Counted, and found that no older lock row is open, by one snapshot. Then the range's row is read anew. */
inline prove(me, r) {
  atomic {
    !range_row[r];
    if
    :: owner[r] == me -> proved[r] = true; proof = r
    :: else
    fi
  }
}

#ifdef MUTANT_PAUSE_IGNORED
#define COMPLETABLE(r) (status[r] == running || status[r] == paused)
#else
#define COMPLETABLE(r) (status[r] == running)
#endif

inline complete(r) {
  atomic {
    !rotation_row[r];
    if
    :: COMPLETABLE(r) ->
#ifdef REACHED
      assert(r < ROTATIONS); /* to be violated: shows that the last rotation does complete */
#endif
      assert(!held_back); /* nothing completes while it is paused */
      assert(CLEAN(r)); /* completed: zero records on older keys */
      status[r] = completed
    :: else
    fi
  }
}

#define MAY_CLAIM(me) (status[current] == running && switched[current] && !proved[current] && !range_row[current] && \
  (owner[current] == 0 || owner[current] == me || takeovers > 0))

/* Takes the range, if need be from a worker that was silent, and reads: what it may long hold on to. */
inline claim(n) {
  r = current;
  i = n;
  if
  :: owner[r] != 0 && owner[r] != me -> takeovers--
  :: else
  fi;
  owner[r] = me;
  read_key = key[i];
  read_value = value[i]
}

inline forget() {
  atomic { r = 0; i = 0; mask = 0; read_key = 0; read_value = 0; go = false; got = false; seen = false }
}

/* May stop between any two steps for as long as it likes, lose its lease meanwhile, and come back. */
proctype Worker(byte me) {
  byte r, i, mask, read_key, read_value;
  bool go, got, seen;
end:
  do
  :: atomic { status[current] == running && !switched[current] -> r = current }
    do_switch(r);
    forget()
  :: atomic { status[current] == running && proved[current] -> r = current }
    complete(r);
    forget()
  :: atomic { MAY_CLAIM(me) && key[0] < current -> claim(0) }
    batch(me, r, i);
    forget()
#if NR > 1
  :: atomic { MAY_CLAIM(me) && key[1] < current -> claim(1) }
    batch(me, r, i);
    forget()
#endif
  :: atomic { MAY_CLAIM(me) && CLEAN(current) && !OLDER_OPEN(current) -> claim(0) }
    prove(me, r);
    forget()
  od
}

#define ENDED(r) (status[r] == completed || status[r] == cancelled)

proctype Operator() {
  byte cancels = CANCELS, pauses = PAUSES;
  do
  :: current < ROTATIONS ->
    d_step { current++; status[current] = running }
    do
    :: ENDED(current) -> break
    :: atomic {
        cancels > 0 && !ENDED(current) && !rotation_row[current] && !range_row[current] ->
        cancels--;
        status[current] = cancelled;
        owner[current] = 0;
        held_back = false;
        if
        :: !switched[current] -> state[current] = DESTROYED
        :: else
        fi
      }
    :: atomic {
        pauses > 0 && status[current] == running && !rotation_row[current] && !range_row[current] ->
        pauses--;
        status[current] = paused;
        owner[current] = 0;
        held_back = true
      }
    :: atomic {
        status[current] == paused && !rotation_row[current] -> status[current] = running; held_back = false
      }
    od
  :: else -> break
  od
}

init {
  atomic {
    state[0] = ACTIVE;
    opened[0] = true;
#if NR > 1
    key[1] = ABSENT;
#endif
#ifdef TWO_PLAIN
    run Plain(PLAIN, STALE);
    run Plain(OTHER, STALE);
#elif defined(FORGOTTEN)
    run Vault(VAULT, WRITES);
    run Vault(OTHER, 1);
#else
    run Vault(VAULT, WRITES);
    run Plain(PLAIN, STALE);
#endif
    run Worker(WORKER(1));
#if WORKERS > 1
    run Worker(WORKER(2));
#endif
    run Drain();
    run Operator()
  }
}

/* Progress: each under weak fairness, whoever can go on does so some day. */
#ifdef DRAINS
ltl drains { <> (switched[1] && !opened[0]) }
#endif
#ifdef ENDS
ltl ends { <> ENDED(ROTATIONS) }
#endif
#ifdef FORGOTTEN
ltl nobody_waits { [] (wants -> <> !wants) }
#endif
