/** Hours of the week as people say them. What they mean by the clock is in `@rekey/calendar`. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

export interface OpenHours {
  /** On which it begins. */
  readonly days: readonly Weekday[];
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`; at or before `from` it is of the next day. */
  readonly to: string;
  /** By its name in the IANA database. */
  readonly timeZone: string;
}

/** Whether they are open, and until when that is so; null: for as long as can be foreseen. */
export interface HoursState {
  readonly isOpen: boolean;
  readonly untilMs: number | null;
}
