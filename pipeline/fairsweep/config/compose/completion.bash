# Completes `fairsweep sweep optimizer=<Tab>`. Hydra's own script knows `python file.py` only.
_fairsweep_complete() {
    local words=($COMP_LINE) line
    [[ "${words[1]} ${words[2]}" == "-m pipeline."* ]] || return
    line="app ${COMP_LINE#*pipeline.*[[:space:]]}"
    COMPREPLY=($(COMP_LINE="$line" COMP_POINT=${#line} "${words[0]}" -m "${words[2]}" -sc query=bash))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o default -o nospace -F _fairsweep_complete python python3 .venv/bin/python
