import { type RotationView, toldNow } from '@rekey/control';
import { type Caller, isSuperAdmin } from './auth/caller.ts';
import { rotationJson } from './rotation-json.ts';

/** By who sees what: the names of applications are for `super_admin`. */
interface Rendered {
  superAdmin?: string;
  others?: string;
}

const kept = new WeakMap<RotationView, Rendered>();

/** The JSON of a rotation as that caller may see it. What is polled more often than it changes is rendered once. */
export function renderRotation(view: RotationView, caller: Caller): string {
  // Of one that is late no two answers are alike.
  if (toldNow(view, Date.now()) !== view) return JSON.stringify(rotationJson(view, caller));
  const rendered = kept.get(view) ?? {};
  kept.set(view, rendered);
  const eyes = isSuperAdmin(caller) ? 'superAdmin' : 'others';
  rendered[eyes] ??= JSON.stringify(rotationJson(view, caller));
  return rendered[eyes];
}
