import { useState } from 'preact/hooks';
import { session } from './api.js';
import { go } from './hooks-of-ours.js';
import { html } from './html.js';
import { Trouble } from './parts.js';

const problems = {
  away: 'The identity provider or the database cannot be reached. Try again in a while.',
  expired: 'That log-in took more than five minutes, or began in another browser. Begin again.',
  refused: 'The identity provider’s answer was not accepted. The log of the API says why.',
  not_admitted: 'You are known, and have no role here.',
};

/** Ways in: the identity provider, if there is one, and a token from wherever tokens come from. */
export function SignInPage({ about, address, ended, onSignedIn }) {
  const query = address.searchParams;
  const back =
    query.get('returnTo') ??
    (address.pathname.startsWith('/console/sign-in') ? '/console' : address.pathname + address.search);
  const [token, setToken] = useState('');
  const [realm, setRealm] = useState(about.defaultRealm ?? 'default');
  const [problem, setProblem] = useState(/** @type {any} */ (about.problem ?? null));
  const told = /** @type {Record<string, string>} */ (problems)[query.get('problem') ?? ''];

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await session.open(token.trim(), realm);
      const { session: opened } = await session.read();
      if (opened === null)
        throw new Error(
          'The browser did not keep the cookie: it takes it over https only, or from this machine itself.',
        );
      setToken('');
      // Only a path of this page's own host can stand in an address bar here.
      go(back.startsWith('/console') ? back : '/console', true);
      await onSignedIn();
    } catch (caught) {
      setProblem(
        /** @type {any} */ (caught).status === 401
          ? new Error('That token is not accepted: expired, of another issuer or realm, or cut short.')
          : caught,
      );
    }
  };
  const ways = about.ways ?? ['token'];
  const realms = about.realms ?? [];
  const login = `/console/login?${new URLSearchParams({ realm, returnTo: back, ...(query.get('fresh') === '1' ? { fresh: '1' } : {}) })}`;
  return html`<div class="sign-in">
    <h1 tabindex="-1"><img src="/console/assets/icon.svg" alt="" width="36" height="36" /> Rekey console</h1>
    ${told && html`<p class="trouble" role="alert">${told}</p>`}
    ${ended && !told && html`<p class="trouble" role="alert">Your session has ended. Sign in to go on where you were; nothing was sent since.</p>`}
    ${
      realms.length > 1 &&
      html`<label>Realm <select value=${realm} onChange=${(/** @type {any} */ event) => setRealm(event.target.value)}>
      ${realms.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`
    }
    ${ways.includes('login') && html`<p><a class="button solid" href=${login}>Sign in with your organisation</a></p><p class="or">or with a token</p>`}
    <form onSubmit=${submit}>
      <label for="token">Access token</label>
      <textarea id="token" rows="5" spellcheck="false" autocomplete="off" required value=${token} placeholder="eyJ…"
        onInput=${(/** @type {any} */ event) => setToken(event.target.value)}></textarea>
      <${Trouble} problem=${problem} />
      <button type="submit" class=${ways.includes('login') ? '' : 'solid'}>Sign in</button>
    </form>
    <p class="note">The token goes to this server once and is kept nowhere. The session ends with it, when you sign out, or after half an hour that you do nothing.</p>
  </div>`;
}
