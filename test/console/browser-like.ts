import { type Answer, type Call, type LiveApi, send, token } from '../api/live-api.ts';

/** Calls as a page of the console makes them: with its cookie, and with what a browser says of where they come from. */
export interface BrowserLike {
  /** `name=value` of the session; empty when signed out. */
  cookie: string;
  send(call: Call): Promise<Answer>;
  signIn(claims?: Record<string, unknown>): Promise<Answer>;
}

export function browserLike({ url }: Pick<LiveApi, 'url'>): BrowserLike {
  const browser: BrowserLike = {
    cookie: '',
    async send({ headers, ...call }) {
      const own = {
        'sec-fetch-site': 'same-origin',
        ...(call.method === undefined || call.method === 'GET' ? {} : { origin: url }),
        ...(browser.cookie === '' ? {} : { cookie: browser.cookie }),
      };
      const answer = await send(url, { ...call, headers: { ...own, ...headers } });
      const set = [answer.headers['set-cookie'] ?? []].flat().find((one) => one.includes('-session='));
      if (set !== undefined) browser.cookie = /Max-Age=0/.test(set) ? '' : (set.split(';')[0] ?? '');
      return answer;
    },
    signIn: (claims) =>
      browser.send({ method: 'POST', path: '/console/session', body: { token: token(claims) } }),
  };
  return browser;
}
