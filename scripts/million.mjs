#!/usr/bin/env node
/** `npm run million`: see docs/million.md. */

import { runLoadTool } from './lib/load-tool.mjs';

await runLoadTool('million/main.js');
