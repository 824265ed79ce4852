const home = '/console';

/** A path of the console to go to after signing in; whatever is anything else becomes its first page. */
export function ownPath(given: unknown): string {
  if (typeof given !== 'string' || given.length > 1_024) return home;
  // Nothing that a browser could read as another host (`//`, `\`), and no way up.
  if (!/^\/console(\/[\w.-]+)*\/?(\?[\w.~%&=:+-]*)?$/.test(given) || given.includes('..')) return home;
  return given.startsWith('/console/login') || given.startsWith('/console/sign-in') ? home : given;
}
