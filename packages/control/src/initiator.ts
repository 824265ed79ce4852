export interface Initiator {
  /** Where the id is unique; absent in rotations that an earlier version started. */
  readonly realm?: string;
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
}

/** Who steers a rotation, and why, for its events. */
export interface Steering {
  readonly actor: Initiator;
  readonly reason: string | null;
}
