#!/usr/bin/env node
// Plain JavaScript, and what it needs is read only afterwards: a Node that knows no TypeScript gets as far as to say so.
import '../../../packages/runtime/src/need-node.mjs';

import('./main.ts');
