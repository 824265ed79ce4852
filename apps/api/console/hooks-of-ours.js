import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { read } from './api.js';

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

let speak = (/** @type {string} */ _text) => {};
/** For those who hear the page: phases, not percentages. @param {string} text */
export const say = (text) => speak(text);
/** @param {(text: string) => void} how */
export const sayBy = (how) => {
  speak = how;
};
