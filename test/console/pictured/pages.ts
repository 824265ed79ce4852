import type { Locator, Page } from 'playwright-core';
import type { Theme, Width } from './camera.ts';
import { campaign } from './campaigns.ts';
import { keyIdOf, runningId, tenantId, tenantIdOf } from './fleet.ts';
import { rewrap } from './rewraps.ts';
import { ended } from './rotations.ts';

/** What would be wrong with a page, as rules on top of its own; and where that must be seen. */
export interface Mutant {
  readonly what: string;
  readonly css: string;
  readonly at: ReadonlyArray<readonly [Width, Theme]>;
}

export interface PicturedPage {
  readonly name: string;
  readonly path: string;
  readonly heading: string | RegExp;
  /** Each stands on the page once all answers have come. */
  readonly shows: readonly string[];
  /** What is done there before. */
  readonly act?: (page: Page) => Promise<void>;
  /** Seen by somebody who steers and does not read. */
  readonly steering?: true;
  readonly mutants?: readonly Mutant[];
}

const everywhere: Mutant['at'] = [
  [320, 'light'],
  [1_280, 'dark'],
  [2_560, 'light'],
];
const wide = everywhere.slice(1);
const column = (nth: number): string =>
  `th:nth-child(${nth}), td:nth-child(${nth}) { display: none !important; }`;

async function dialogOf(page: Page, name: string): Promise<Locator> {
  await page.getByRole('button', { name: `${name}…` }).click();
  const dialog = page.getByRole('dialog', { name });
  await dialog.getByText('The same from a terminal').click();
  return dialog;
}

export const pages: readonly PicturedPage[] = [
  {
    name: 'now',
    path: '',
    heading: 'Now',
    shows: ['need somebody', 'It is held back', '4 rotations in all'],
    mutants: [
      { what: 'a sentence is missing', css: '.sentences li:nth-child(3) { display: none; }', at: everywhere },
      {
        what: 'buttons have moved by five pixels',
        css: '.card .actions { transform: translateX(5px); }',
        at: everywhere,
      },
      {
        what: 'what is dangerous looks harmless',
        css: 'button.danger { color: var(--ink); border-color: var(--strong-line); }',
        at: everywhere,
      },
      {
        what: 'what is dark is light',
        css: ':root { color-scheme: light; --ground: #f7f8f9; }',
        at: [[1_280, 'dark']],
      },
      {
        what: 'what is soft is as strong as the rest',
        css: ':root { --soft: var(--ink) !important; }',
        at: everywhere,
      },
      {
        what: 'letters are larger',
        css: 'html { font-size: 16.5px; }',
        at: [
          [320, 'light'],
          [1_280, 'dark'],
        ],
      },
    ],
  },
  {
    name: 'rotations',
    path: '/rotations',
    heading: 'Rotations',
    shows: ['5,000,000', 'Older ones'],
    mutants: [
      { what: 'a column is missing', css: column(6), at: everywhere },
      {
        what: 'text runs out of its place',
        css: 'td .state { white-space: nowrap; }',
        at: [
          [320, 'light'],
          [320, 'dark'],
        ],
      },
    ],
  },
  {
    name: 'rotation-running',
    path: `/rotations/${runningId}`,
    heading: /^Rotation/,
    shows: ['live', '2 events', 'held by a worker', 'at most 15,998', 'payment_instruments'],
    mutants: [
      { what: 'bars have no colour', css: '.bar .done { background: none; }', at: everywhere },
      { what: 'the curve is gone', css: '.rate polyline, .rate polygon { display: none; }', at: everywhere },
    ],
  },
  {
    name: 'rotation-ended',
    path: `/rotations/${ended.rotationId}`,
    heading: /^Rotation/,
    shows: ['181 kB', '2 events', '1 proved', 'Too short for a curve', 'payment_instruments'],
    act: (page) => page.getByText('2 events: who and why').click(),
  },
  { name: 'campaigns', path: '/campaigns', heading: 'Campaigns', shows: ['stopped by itself', 'Older ones'] },
  {
    name: 'campaign',
    path: `/campaigns/${campaign.campaignId}`,
    heading: /^Campaign/,
    shows: ['of 4,210 tenants', '3 tenants come', 'Further'],
  },
  {
    name: 'campaign-dialog',
    path: '/campaigns',
    heading: 'Campaigns',
    shows: ['It is for 1,006 tenants', 'to confirm for how many it is'],
    act: async (page) => {
      const dialog = await dialogOf(page, 'Start campaign');
      await dialog.getByLabel(/^For\b/).selectOption('all');
      await dialog.getByLabel(/^What\b/).selectOption('rewrap');
      await dialog.getByLabel('Under the KEK').fill('next');
    },
    mutants: [
      {
        what: 'a button of it is gone',
        css: '.dialog-actions .quiet { visibility: hidden; }',
        at: everywhere,
      },
    ],
  },
  {
    name: 'keys',
    path: '/keys',
    heading: 'Keys',
    shows: ['4.0 s', 'More'],
    mutants: [
      { what: 'a column is missing', css: column(5), at: everywhere },
      { what: 'columns have moved', css: 'th, td { padding-left: 18px; }', at: wide },
    ],
  },
  {
    name: 'key',
    path: `/keys/${keyIdOf(0, 2)}`,
    heading: /^Key/,
    shows: ['out of use from', 'Enough people have agreed', 'shop-frontend'],
  },
  {
    name: 'key-dialog',
    path: `/keys/${keyIdOf(0, 2)}`,
    heading: /^Key/,
    shows: ['to confirm', 'Enough people have agreed', 'shop-frontend'],
    act: async (page) => void (await dialogOf(page, 'Key is compromised')),
  },
  { name: 'rewraps', path: '/rewraps', heading: 'Rewraps', shows: ['13,131 left'] },
  {
    name: 'rewrap',
    path: `/rewraps/${rewrap.rewrapId}`,
    heading: /^Rewrap/,
    shows: ['It waits for the KMS', 'The same keys'],
  },
  {
    name: 'rewrap-dialog',
    path: '/rewraps',
    heading: 'Rewraps',
    shows: ['13,208', 'billing_application'],
    act: async (page) =>
      void (await (await dialogOf(page, 'Start rewrap')).getByLabel('Under the KEK').fill('next')),
  },
  { name: 'tenants', path: '/tenants', heading: 'Tenants', shows: ['Société Générale', 'Next ones'] },
  {
    name: 'tenant',
    path: `/tenants/${tenantId}`,
    heading: 'Tenant',
    shows: ['Example Ltd', '4,812,306', 'Its active key is overdue', 'Maximiliane'],
  },
  {
    name: 'tenant-dialog',
    path: `/tenants/${tenantIdOf(1)}`,
    heading: 'Tenant',
    shows: ['5,000,000 in 251 ranges', '4,812,306', 'Its active key is overdue'],
    act: async (page) => {
      const dialog = await dialogOf(page, 'Rotate');
      await dialog.getByLabel('Records to open').selectOption('sample');
      await dialog.getByRole('button', { name: 'Plan it' }).click();
      await dialog.getByLabel('Reason').fill('yearly');
    },
  },
  { name: 'policy', path: '/policy', heading: 'Default policy', shows: ['rotate at most every 30 days'] },
  {
    name: 'policy-dialog',
    path: `/tenants/${tenantId}`,
    heading: 'Tenant',
    shows: ['at most 365 days, so not never', '4,812,306', 'Maximiliane'],
    act: async (page) => void (await dialogOf(page, 'Change policy')),
  },
  {
    name: 'default-policy-dialog',
    path: '/policy',
    heading: 'Default policy',
    shows: ['For all tenants', 'rotate at most every 30 days'],
    act: async (page) => void (await dialogOf(page, 'Change policy')),
  },
  {
    name: 'fleet',
    path: '/fleet',
    heading: 'Fleet',
    shows: ['365 days and older', 'stopped by itself', 'hcvault'],
  },
  {
    name: 'audit',
    path: '/audit',
    heading: 'Audit',
    shows: ['the checkpoint is 2 min ago', 'Further', 'Latest checkpoint'],
    act: (page) => page.getByText('rotation.requested').click(),
  },
  { name: 'health', path: '/health', heading: 'Health', shows: ['billing-1', 'hcvault'] },
  {
    name: 'sign-in',
    path: '/sign-in?problem=expired',
    heading: 'Rekey console',
    shows: ['That log-in took more than five minutes'],
  },
  {
    name: 'steer',
    path: `/rotations/${runningId}`,
    heading: 'Steer',
    steering: true,
    shows: ['Plan it'],
    act: (page) => page.getByLabel('Tenant').fill(tenantId),
  },
];
