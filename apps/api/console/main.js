import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { session } from './api.js';
import { keepFocus } from './focus.js';
import { go, SessionContext, sayBy, useAddress } from './hooks-of-ours.js';
import { html } from './html.js';
import { AuditPage } from './page-audit.js';
import { CampaignPage } from './page-campaign.js';
import { CampaignsPage } from './page-campaigns.js';
import { FleetPage } from './page-fleet.js';
import { HealthPage } from './page-health.js';
import { KeyPage, KeysPage } from './page-keys.js';
import { NowPage } from './page-now.js';
import { PolicyPage } from './page-policy.js';
import { RewrapPage, RewrapsPage } from './page-rewraps.js';
import { RotationPage } from './page-rotation.js';
import { RotationsPage } from './page-rotations.js';
import { SignInPage } from './page-sign-in.js';
import { SteerPage } from './page-steer.js';
import { TenantPage } from './page-tenant.js';
import { TenantsPage } from './page-tenants.js';
import { Link } from './parts.js';

/** The third: what somebody has to be able to do for all tenants to see it. */
const places = [
  ['', 'Now'],
  ['rotations', 'Rotations'],
  ['campaigns', 'Campaigns', 'listCampaigns'],
  ['keys', 'Keys'],
  ['rewraps', 'Rewraps'],
  ['tenants', 'Tenants', 'listTenants'],
  ['fleet', 'Fleet'],
  ['policy', 'Policy', 'getDefaultPolicy'],
  ['audit', 'Audit'],
  ['health', 'Health'],
];

/** Who has but one tenant finds its page among the others. @param {any} signedIn */
function placesOf({ caller: { tenantId }, may, mayForAll }) {
  if (!may.includes('getRotation')) return [];
  const own = tenantId === null || tenantId === '*' ? [] : [[`tenants/${tenantId}`, 'Tenant']];
  const seen = places.filter(([, , needs]) => needs === undefined || mayForAll.includes(needs));
  return [...seen.slice(0, 1), ...own, ...seen.slice(1)];
}

/** Which page an address is of. @param {URL} address @param {string[]} may */
function pageOf({ pathname, searchParams }, may) {
  const [, , page = '', id = ''] = pathname.replace(/\/$/, '').split('/');
  // Who steers rotations without reading them has one page.
  if (!may.includes('getRotation')) return html`<${SteerPage} page=${page} id=${id} key=${id} />`;
  const query = Object.fromEntries(searchParams);
  if (page === 'rotations')
    return id === ''
      ? html`<${RotationsPage} query=${query} />`
      : html`<${RotationPage} id=${id} key=${id} />`;
  if (page === 'keys')
    return id === '' ? html`<${KeysPage} query=${query} />` : html`<${KeyPage} id=${id} key=${id} />`;
  if (page === 'campaigns')
    return id === ''
      ? html`<${CampaignsPage} query=${query} />`
      : html`<${CampaignPage} id=${id} query=${query} key=${id} />`;
  if (page === 'rewraps')
    return id === '' ? html`<${RewrapsPage} query=${query} />` : html`<${RewrapPage} id=${id} key=${id} />`;
  if (page === 'tenants')
    return id === ''
      ? html`<${TenantsPage} query=${query} />`
      : html`<${TenantPage} id=${id} query=${query} key=${id} />`;
  if (page === 'fleet') return html`<${FleetPage} />`;
  if (page === 'policy') return html`<${PolicyPage} />`;
  if (page === 'audit') return html`<${AuditPage} query=${query} />`;
  if (page === 'health') return html`<${HealthPage} />`;
  return html`<${NowPage} />`;
}

function Console() {
  const address = useAddress();
  const [state, setState] = useState(/** @type {any} */ (null));
  const [spoken, setSpoken] = useState('');
  const main = useRef(/** @type {any} */ (null));
  const [ended, setEnded] = useState(false);
  const learn = () => session.read().then(setState, (problem) => setState({ problem }));
  sayBy(setSpoken);
  useEffect(() => {
    void learn();
    const out = () => {
      setEnded(true);
      void learn();
    };
    addEventListener('signed-out', out);
    return () => removeEventListener('signed-out', out);
  }, []);
  const { pathname } = address;
  useEffect(() => {
    const heading = main.current?.querySelector('h1');
    document.title = `${heading?.textContent ?? 'Console'} · Rekey`;
    // As after any other navigation: what is new is read from its heading.
    if (document.activeElement !== document.body || spoken !== '') heading?.focus({ preventScroll: true });
  }, [pathname, state?.session?.caller?.id]);

  if (state === null) return html`<p class="wait">One moment…</p>`;
  const signedIn = state.session ?? null;
  if (signedIn === null || pathname.startsWith('/console/sign-in'))
    return html`<main id="main" ref=${main}><${SignInPage} about=${state} address=${address} ended=${ended} onSignedIn=${learn} /></main>`;

  const { caller, may } = signedIn;
  const leave = async () => {
    await session.close().catch(() => {});
    setEnded(false);
    go('/console');
    await learn();
  };
  const here = pathname.split('/')[2] ?? '';
  return html`<${SessionContext.Provider} value=${signedIn}>
    <a class="skip" href="#main">Skip to the page</a>
    <header class="top">
      <${Link} href="/console" class="brand"><img src="/console/assets/icon.svg" alt="" width="24" height="24" /> Rekey</${Link}>
      <nav aria-label="Pages">${placesOf(signedIn).map(
        ([place, name]) => html`<${Link} href=${place === '' ? '/console' : `/console/${place}`}
        aria-current=${here === place || (here === 'tenants' && place.startsWith(here)) ? 'page' : undefined}>${name}</${Link}>`,
      )}</nav>
      <div class="who"><span title=${caller.id}>${caller.name ?? caller.id}<small>${caller.roles.join(', ')}</small></span>
        <button type="button" class="quiet" onClick=${leave}>Sign out</button></div>
    </header>
    <main id="main" ref=${main} tabindex="-1">${pageOf(address, may)}</main>
    <footer>Times are in UTC.</footer>
    <p class="unseen" aria-live="polite">${spoken}</p>
  </${SessionContext.Provider}>`;
}

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
keepFocus(app);
render(html`<${Console} />`, app);
