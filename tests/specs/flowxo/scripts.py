"""FlowXO's Code task: a script that gets `inputs`, which are texts, and calls `resolve`.

Source: https://support.flowxo.com/article/145-code
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import node


def result_of(script: str, inputs: dict[str, str]) -> Any:
    """What the script gives to `resolve`."""
    around = f"""
        const inputs = {json.dumps(inputs)};
        const resolve = (result) => process.stdout.write(JSON.stringify(result));
        const reject = (error) => {{ throw new Error(error); }};
        {script}
    """
    return json.loads(node.run([node.BIN / "node", "-e", around], Path.cwd(), seconds=10))
