import { useEffect, useState } from 'preact/hooks';
import { eventsUrl } from './api.js';
import { words } from './format.js';
import { say } from './hooks-of-ours.js';

/** A stream that broke off comes back within two seconds, where it can. */
const silentAfterMs = 5_000;

/**
 * A rotation as it stands, told by the server while it runs. `live`: told by a stream that is open; else it is what was known
 * last. @param {string} rotationId
 */
export function useFollowed(rotationId) {
  const [state, setState] = useState(/** @type {any} */ ({ rotation: null, live: false, gone: false }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const source = new EventSource(eventsUrl(rotationId));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let silence;
    let known = '';
    const take = (/** @type {MessageEvent} */ { data }) => {
      const rotation = JSON.parse(data);
      const now = rotation.status === 'in_progress' ? rotation.phase : rotation.status;
      if (now !== known && known !== '') say(`The rotation is ${words(now)}.`);
      known = now;
      clearTimeout(silence);
      setState({ rotation, live: true, gone: false });
    };
    source.addEventListener('snapshot', take);
    source.addEventListener('progress', take);
    source.addEventListener('bye', ({ data }) => {
      const { reason } = JSON.parse(data);
      if (reason === 'ended' || reason === 'gone') source.close();
    });
    source.onerror = () => {
      clearTimeout(silence);
      // Once a minute a stream ends to be asked for its session again: that is no silence.
      silence = setTimeout(
        () => setState((/** @type {any} */ was) => ({ ...was, live: false, gone: was.rotation === null })),
        silentAfterMs,
      );
      // Refused for good: the server said no, or nobody is signed in any more.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(() => setRound((at) => at + 1), 5_000);
    };
    return () => {
      source.close();
      clearTimeout(timer);
      clearTimeout(silence);
    };
  }, [rotationId, round]);
  return { ...state, again: () => setRound((at) => at + 1) };
}
