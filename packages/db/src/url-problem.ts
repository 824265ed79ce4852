/** What a URL holds, by libpq's names. */
export type Parameters = Map<string, string>;

/** Says what is wrong with a `DATABASE_URL`, in words that follow "it", on one line that holds none of its values. */
export class UrlProblem extends Error {}
