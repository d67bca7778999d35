# A lab of hosts on one machine, for an ordinary user as for root: a network, pid, mount and uts
# namespace for each, with an sshd of its own. testing/doubles/host_lab.ts starts it.
#
#   controller ctl 10.7.0.1 ─ bridge ctl ─┬─ eth0 of h1 (10.7.0.11)   eth1 ┐
#                                         └─ eth0 of h2 (10.7.0.12)   eth1 ┴ bridge san: AoE
#
#   host_lab.sh FOLDER "h1 h2 h3" COMMAND…      all is gone when COMMAND has ended or its parent has
#
# One uid that is NOT 0 is mapped and keeps all capabilities: sshd whose uid is 0 in a namespace that
# maps only that ends with "setgroups: Operation not permitted". sshd then changes neither user nor
# root, and what it starts keeps CAP_NET_RAW.
set -u
if [ "${LAB_INSIDE:-}" = "" ]; then
  LAB_INSIDE=1 exec setpriv --pdeathsig KILL unshare -U --map-user=1000 --map-group=1000 --keep-caps \
    -m -n -p -f --kill-child sh "$0" "$@"
fi
W=$1; names=$2; shift 2
mount -t proc proc /proc && mount -t tmpfs tmpfs /run || exit 5
# A user of that uid with a shell, and no group tty: sshd would give a terminal to a gid that is not mapped.
printf 'root:x:0:0::/root:/bin/sh\nlab:x:1000:1000::%s:/bin/sh\n' "$W" > "$W/passwd"
printf 'root:x:0:\nlab:x:1000:\n' > "$W/group"
mount --bind "$W/passwd" /etc/passwd && mount --bind "$W/group" /etc/group || exit 5
: "${LAB_MTU:=9000}"
ip link set lo up
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add ctl type bridge && ip addr add 10.7.0.1/24 dev ctl && ip link set ctl up || exit 5
ip link add san mtu "$LAB_MTU" type bridge && ip link set san up
ssh-keygen -q -t ed25519 -N '' -C lab -f "$W/user" || exit 5
: > "$W/known_hosts"; : > "$W/hosts.pids"
cat > "$W/ssh_config" <<END
Host *
  User lab
  IdentityFile $W/user
  IdentitiesOnly yes
  UserKnownHostsFile $W/known_hosts
  GlobalKnownHostsFile none
END
n=10
for name in $names; do
  n=$((n + 1))
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$W/$name.key"
  mkdir -p "$W/$name.home"
  cat > "$W/$name.sshd" <<END
ListenAddress 10.7.0.$n:22
HostKey $W/$name.key
AuthorizedKeysFile $W/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
$(eval "echo \"${LAB_SSHD:-}\"")
SetEnv TMPDIR=$W/$name.tmp ${LAB_PATH:+PATH=$W/$LAB_PATH:$PATH}
END
  cat > "$W/$name.sh" <<END
mount -t proc proc /proc; hostname $name
sed 's#:$W:#:$W/$name.home:#' $W/passwd > $W/$name.passwd; mount --bind $W/$name.passwd /etc/passwd
mkdir -p $W/$name.tmp
ip link set lo up
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
until ip link show eth0 >/dev/null 2>&1 && ip link show eth1 >/dev/null 2>&1; do sleep 0.02; done
ip addr add 10.7.0.$n/24 dev eth0; ip link set eth0 up; ip link set eth1 up
exec $SSHD -D -E $W/$name.log -f $W/$name.sshd
END
  eval "timens=\${LAB_TIMENS_$(echo "$name" | tr - _):-}"
  unshare -n -p -m -u $timens -f --kill-child setpriv --pdeathsig KILL sh "$W/$name.sh" &
  outer=$!
  until init=$(cat /proc/$outer/task/$outer/children 2>/dev/null) && [ -n "$init" ]; do sleep 0.01; done
  init=${init%% *}
  echo "$name $init" >> "$W/hosts.pids"
  ip link add "c$n" type veth peer name eth0 netns "$init"; ip link set "c$n" master ctl up
  ip link add "s$n" mtu "$LAB_MTU" type veth peer name eth1 netns "$init"
  nsenter -t "$init" -n ip link set eth1 mtu "$LAB_MTU"
  ip link set "s$n" master san up
  printf 'Host %s\n  HostName 10.7.0.%s\n' "$name" "$n" >> "$W/ssh_config"
  printf '10.7.0.%s %s\n' "$n" "$(cut -d' ' -f1,2 "$W/$name.key.pub")" >> "$W/known_hosts"
done
for name in $names; do
  i=0
  until ssh -F "$W/ssh_config" -o BatchMode=yes -o ConnectTimeout=2 "$name" true 2>"$W/wait.err"; do
    i=$((i + 1))
    [ $i -gt 40 ] && { cat "$W/wait.err"; tail -3 "$W/$name.log"; exit 5; }
    sleep 0.05
  done
done >&2
# The program finds `ssh` by PATH: one that has the lab's configuration.
mkdir -p "$W/bin"
printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$W/ssh_config" > "$W/bin/ssh"
chmod 755 "$W/bin/ssh"
export PATH="$W/bin:$PATH"
"$@"
