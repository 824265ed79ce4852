import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { read, send } from './api.js';

/** Who is signed in; the pages find it here. */
export const SessionContext = createContext(/** @type {any} */ (null));
export const useSession = () => useContext(SessionContext);

const moved = new EventTarget();

/** Goes to another state of the console: each has an address. @param {string} href @param {boolean} [replace] */
export function go(href, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', href);
  moved.dispatchEvent(new Event('moved'));
}

export function useAddress() {
  const [address, setAddress] = useState(location.pathname + location.search);
  useEffect(() => {
    const look = () => setAddress(location.pathname + location.search);
    moved.addEventListener('moved', look);
    addEventListener('popstate', look);
    return () => {
      moved.removeEventListener('moved', look);
      removeEventListener('popstate', look);
    };
  }, []);
  return new URL(address, location.origin);
}

/**
 * What an operation answers, asked again every so often while somebody can see it. What was known stays while the next answer
 * fails, beside the problem. @param {string | null} path null: nothing is asked @param {number} [everyMs] 0: once
 * @param {unknown} [on] once more when this has changed
 */
export function useRead(path, everyMs = 0, on = null) {
  const [state, setState] = useState(
    /** @type {any} */ ({ path: null, data: null, problem: null, at: null }),
  );
  const again = useRef(() => {});
  const asked = useRef(/** @type {string | null} */ (null));
  useEffect(() => {
    if (path === null) return;
    let over = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const ask = async (background = true) => {
      clearTimeout(timer);
      if (!background || !document.hidden) {
        try {
          const data = await read(path, background);
          if (!over) setState({ path, data, problem: null, at: new Date() });
        } catch (problem) {
          if (!over)
            setState((/** @type {any} */ was) => ({
              path,
              data: was.path === path ? was.data : null,
              at: was.path === path ? was.at : null,
              problem,
            }));
          if (/** @type {any} */ (problem).status === 401) dispatchEvent(new Event('signed-out'));
        }
      }
      if (!over && everyMs > 0) timer = setTimeout(ask, everyMs);
    };
    again.current = () => void ask(false);
    // What a page asks again by itself is no sign of somebody sitting there.
    void ask(asked.current === path);
    asked.current = path;
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, everyMs, on]);
  const known = state.path === path ? state : { data: null, problem: null, at: null };
  return { data: known.data, problem: known.problem, at: known.at, again: () => again.current() };
}

/** Whoever types is not interrupted, and the API is not asked for each letter. */
const stillMs = 350;
/** What an open dialog shows is not older than that: a worker reports, a KEK can be used, somebody else begins something. */
const dialogEveryMs = 4_000;

/**
 * What an operation answers that only looks, to a body that somebody is typing: asked when that has been still for a moment, and again
 * while it stands. `found` is of exactly this body, or null. @param {string} path @param {object | null} body null: nothing is asked
 */
export function useAnswerTo(path, body) {
  const asked = body === null ? null : JSON.stringify(body);
  const [state, setState] = useState(/** @type {any} */ ({ asked: null, found: null, problem: null }));
  useEffect(() => {
    if (asked === null) return;
    let over = false;
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const ask = async (background = true) => {
      if (!background || !document.hidden) {
        const order = { method: 'POST', path, body: JSON.parse(asked) };
        const answer = await send(order, background).then(
          (found) => ({ found, problem: null }),
          (problem) => ({ found: null, problem }),
        );
        if (over) return;
        if (answer.problem?.status === 401) dispatchEvent(new Event('signed-out'));
        // What was found stands while the API is away; what it refuses does not.
        const isAway =
          answer.problem !== null && !(answer.problem.status >= 400 && answer.problem.status < 429);
        setState((/** @type {any} */ was) => ({
          asked,
          found: isAway && was.asked === asked ? was.found : answer.found,
          problem: answer.problem,
        }));
      }
      if (!over) timer = setTimeout(ask, dialogEveryMs);
    };
    timer = setTimeout(() => void ask(false), stillMs);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, asked]);
  return asked !== null && state.asked === asked ? state : { asked, found: null, problem: null };
}

/** The names of KEKs that there are, for whoever types one. */
export const useKekNames = () =>
  (useRead('/keks', dialogEveryMs).data?.keks ?? [])
    .map((/** @type {any} */ { name }) => name)
    .filter((/** @type {string | null} */ name) => name !== null);

let speak = (/** @type {string} */ _text) => {};
/** For those who hear the page: phases, not percentages. @param {string} text */
export const say = (text) => speak(text);
/** @param {(text: string) => void} how */
export const sayBy = (how) => {
  speak = how;
};
