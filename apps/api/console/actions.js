/** @import {Action} from './action.js' */

/** @param {{keyId: string, tenantId: string, state: string}} key @returns {Action} */
export const compromiseOf = ({ keyId, tenantId, state }) => ({
  operationId: 'compromiseKey',
  name: 'Key is compromised',
  danger: true,
  method: 'POST',
  path: `/keys/${keyId}/compromise`,
  cli: `npx rekey keys compromise ${keyId}`,
  retype: tenantId,
  effect:
    state === 'active'
      ? 'Declares that somebody else may have the active key of this tenant. A rotation begins that comes before all ordinary ones, and takes the place of one that runs. Once it has switched, nothing is written under this key; whoever holds it then is refused, and ended after ten seconds. What it has sealed, it still opens.'
      : 'Declares that somebody else may have this key. Nothing can be written under it any more; what still stands under it takes a rotation to bring under another.',
});

/** @param {string} rotationId @returns {Record<string, Action>} */
function onRotation(rotationId) {
  const on = (/** @type {string} */ verb) => ({
    method: 'POST',
    path: `/dek/rotations/${rotationId}/${verb}`,
    cli: `npx rekey ${verb} ${rotationId}`,
  });
  const pause = {
    ...on('pause'),
    operationId: 'pauseRotation',
    name: 'Pause',
    effect:
      'Holds the rotation where it stands, within one batch. Applications go on reading and writing. The tenant stays taken: a new rotation is refused until this one is resumed or cancelled.',
  };
  const resume = {
    ...on('resume'),
    operationId: 'resumeRotation',
    name: 'Resume',
    effect: 'The rotation goes on from where it stands.',
  };
  const limit = {
    method: 'PATCH',
    path: `/dek/rotations/${rotationId}`,
    cli: `npx rekey limit ${rotationId}`,
    rate: true,
    operationId: 'updateRotation',
    name: 'Limit',
    effect:
      'All workers together re-encrypt at most so many records per second of this rotation. Empty: no limit.',
  };
  const cancel = {
    ...on('cancel'),
    operationId: 'cancelRotation',
    name: 'Cancel',
    danger: true,
    effect:
      'Ends the rotation for good. Everything stays readable, what is re-encrypted stays so, and the next rotation sweeps what is left on older keys.',
  };
  const retry = {
    ...on('retry'),
    operationId: 'retryRotation',
    name: 'Retry',
    effect: 'Begins a new rotation that sweeps what this one left on older keys, to the same key.',
  };
  return { pause, resume, limit, cancel, retry };
}

/** @param {any} rotation @returns {Action[]} what can be done with it as it stands */
export function actionsOf({ rotationId, status }) {
  const { pause, resume, limit, cancel, retry } = onRotation(rotationId);
  if (status === 'in_progress') return [pause, limit, cancel];
  if (status === 'paused') return [resume, cancel];
  return status === 'completed' ? [] : [retry];
}

/** What can be tried with a rotation of which nothing is known. @param {string} rotationId @returns {Action[]} */
export function steering(rotationId) {
  const { pause, resume, limit, retry } = onRotation(rotationId);
  return [pause, resume, limit, retry];
}
