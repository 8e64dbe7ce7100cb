"""Converts the rules of gitleaks to gitleaks.tsv: python3 gitleaks.py config/gitleaks.toml COMMIT LICENSE > gitleaks.tsv

Kept are rules that know a token by its own shape and have a keyword in it. Left out, and named in the head of the file: rules
that know a token by the words around it (in JSON these are the key, which rules by key name match), rules whose match contains
spaces, and what has a detector of its own.
"""

import sys
import tomllib

OWN = {"private-key", "jwt", "jwt-base64", "sidekiq-sensitive-url"}
SPACES = {"curl-auth-header", "curl-auth-user", "kubernetes-secret-yaml", "nuget-config-password", "freemius-secret-key"}
# The keyword stands outside the token.
KEYWORD_OUTSIDE = {"airtable-personnal-access-token", "facebook-access-token"}
# The end of a token is where other characters begin: the finding is extended until there.
ENDS = [r"""(?:[\x60'"\s;]|\\[nr]|$)""", r"""(?:[\x60'"\s;]|\\[nr]|$|\b)""", r"(?:[^\w-]|\z)", r"(?:[^a-zA-Z0-9+/]|\z)"]
KEYWORDS = {"sourcegraph-access-token": ["sgp_"], "cloudflare-origin-ca-key": ["v1.0-"], "intra42-client-secret": ["s-s4t2"]}

rules = tomllib.load(open(sys.argv[1], "rb"))["rules"]
kept, out = [], {"known by the words around it": [], "has spaces": [], "has a detector of its own": [], "no keyword in it": []}
for rule in rules:
    name, regex = rule["id"], rule.get("regex", "")
    if name in OWN:
        out["has a detector of its own"].append(name)
    elif name in SPACES:
        out["has spaces"].append(name)
    elif not regex or not rule.get("keywords") or name in KEYWORD_OUTSIDE:
        out["no keyword in it"].append(name)
    elif r"[\w.-]{0,50}?" in regex:
        out["known by the words around it"].append(name)
    else:
        for end in ENDS:
            regex = regex.removesuffix(end)
        assert "\t" not in regex and "\n" not in regex, name
        keywords = ",".join(KEYWORDS.get(name, rule["keywords"]))
        kept.append("\t".join([name, keywords, str(rule.get("entropy", 0)), regex]))

print(f"# Rules of gitleaks, commit {sys.argv[2]}, converted by gitleaks.py beside this file.")
print("# id, keywords (lower case), least entropy in bits per character, pattern")
print(f"# {len(kept)} of {len(rules)} rules. Left out:")
for why, names in out.items():
    print(f"# - {why} ({len(names)}): {', '.join(names)}")
print("#\n# gitleaks is under this licence:")
for line in open(sys.argv[3]).read().splitlines():
    print(f"#     {line}".rstrip())
print("\n".join(kept))
