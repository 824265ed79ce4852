import { useEffect, useState } from 'preact/hooks';
import { eventsUrl, read } from './api.js';
import { words } from './format.js';
import { say } from './hooks-of-ours.js';

/** A stream that broke off comes back within two seconds, where it can; a proxy may hold back all of one. */
const silentAfterMs = 5_000;
const pollMs = 3_000;
/** After a stream was refused: there are too many, or the API does not answer. */
const againAfterMs = 30_000;

/**
 * A rotation as it stands, told by the server while it runs and somebody sees the page. `by`: `stream`, or `polling` where a stream
 * is not to be had; null: it is what was known last. @param {string} rotationId
 */
export function useFollowed(rotationId) {
  const [state, setState] = useState(/** @type {any} */ ({ rotation: null, by: null, gone: false }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    /** @type {EventSource | null} */
    let source = null;
    /** @type {Record<'silence' | 'poll' | 'reopen', ReturnType<typeof setTimeout> | undefined>} */
    const timers = { silence: undefined, poll: undefined, reopen: undefined };
    let [known, over, streaming, following] = ['', false, false, 0];

    const stop = () => {
      following += 1;
      source?.close();
      source = null;
      for (const timer of Object.values(timers)) clearTimeout(timer);
    };
    const take = (/** @type {any} */ rotation, /** @type {'stream' | 'polling'} */ by) => {
      const now = rotation.status === 'in_progress' ? rotation.phase : rotation.status;
      if (now !== known && known !== '') say(`The rotation is ${words(now)}.`);
      known = now;
      setState({ rotation, by, gone: false });
    };

    const poll = async () => {
      const of = following;
      clearTimeout(timers.poll);
      try {
        const rotation = await read(`/dek/rotations/${rotationId}`, true);
        if (of !== following || streaming) return;
        take(rotation, 'polling');
        if (rotation.completedAt !== null) {
          over = true;
          stop();
        }
      } catch (problem) {
        if (of !== following || streaming) return;
        const { status } = /** @type {any} */ (problem);
        if (status === 401) dispatchEvent(new Event('signed-out'));
        if (status === 403 || status === 404) {
          over = true;
          stop();
        }
        setState((/** @type {any} */ was) => ({ ...was, by: null, gone: was.rotation === null }));
      }
      if (of === following) timers.poll = setTimeout(poll, pollMs);
    };
    const waitForStream = () => {
      streaming = false;
      clearTimeout(timers.silence);
      timers.silence = setTimeout(poll, silentAfterMs);
    };

    const open = () => {
      source?.close();
      const opened = new EventSource(eventsUrl(rotationId));
      source = opened;
      waitForStream();
      const told = (/** @type {MessageEvent} */ { data }) => {
        streaming = true;
        for (const timer of [timers.silence, timers.poll]) clearTimeout(timer);
        take(JSON.parse(data), 'stream');
      };
      opened.addEventListener('snapshot', told);
      opened.addEventListener('progress', told);
      opened.addEventListener('bye', ({ data }) => {
        const { reason } = JSON.parse(data);
        if (reason !== 'ended' && reason !== 'gone') return;
        over = true;
        stop();
      });
      opened.onerror = () => {
        // Once a minute a stream ends to be asked for its session again: that is no silence.
        if (opened.readyState !== EventSource.CLOSED) return waitForStream();
        // Refused for good: why, the next answer says.
        clearTimeout(timers.silence);
        streaming = false;
        void poll();
        timers.reopen = setTimeout(open, againAfterMs);
      };
    };

    /** A page that nobody sees holds no place among the streams. */
    const look = () => {
      if (document.hidden) stop();
      else if (source === null && !over) open();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      stop();
    };
  }, [rotationId, round]);
  return { ...state, again: () => setRound((at) => at + 1) };
}
