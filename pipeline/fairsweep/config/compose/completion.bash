# Tab completion of fairsweep: its commands, then the overrides of a command.
_fairsweep() {
    local line=${COMP_LINE:0:COMP_POINT} word head
    local -a words
    read -ra words <<< "$line"
    word=${line##*[[:space:]]}
    COMPREPLY=()
    if ((${#words[@]} == 1)) || [[ ${#words[@]} == 2 && -n $word ]]; then
        COMPREPLY=($(compgen -W "sweep train compare report predict doctor ui" -- "$word"))
        ((${#COMPREPLY[@]} == 1)) && COMPREPLY[0]+=" "
        return
    fi
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "--help --cfg --info --config-dir" -- "$word"))
        return
    fi
    head=${line#*"${words[0]}"}
    head="app ${head#*"${words[1]}"}"
    COMPREPLY=($(COMP_LINE=$head COMP_POINT=${#head} "${words[0]}" "${words[1]}" -sc query=bash 2> /dev/null))
    # Bash completes what stands after the last = or : as a word of its own.
    if [[ $word == *[=:]* ]]; then
        head=${word%"${word##*[=:]}"}
        [[ $COMP_WORDBREAKS == *"${head: -1}"* ]] && COMPREPLY=("${COMPREPLY[@]#"$head"}")
    fi
}
complete -o default -o nospace -F _fairsweep fairsweep
