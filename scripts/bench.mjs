#!/usr/bin/env node
/** `npm run bench [-- scenario...]`: see loadtest/README.md. */

import { runLoadTool } from './lib/load-tool.mjs';

await runLoadTool('main.js');
