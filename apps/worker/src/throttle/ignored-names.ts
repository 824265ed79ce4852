/**
 * The names in `THROTTLE_IGNORE`. What is between two commas, before the first or behind the last and has no letters is none: who is
 * connected without an `application_name` has no name that could be given here, and is watched.
 */
export function ignoredNames(text: string | undefined): ReadonlySet<string> {
  const names = (text ?? '').split(',').map((name) => name.trim());
  return new Set(names.filter((name) => name !== ''));
}
