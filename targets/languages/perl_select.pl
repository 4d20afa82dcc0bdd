#!/usr/bin/perl
# Perl, one process and select() for all connections: echo.
#
#     perl perl_select.pl PORT
#
# What is easy to get wrong in Perl: print and readline, which buffer, beside select(), which knows nothing of the
# buffers; SIGPIPE, which ends the process; undef of sysread (an error) taken for 0 (the end).
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EMFILE ENFILE ENOBUFS ENOMEM);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

my $room  = 65536;
my $pause = 0.1;      # Seconds until accept() is tried again when no descriptor was free.

$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::INET->new(
    LocalPort => $ARGV[0], Proto => 'tcp', Listen => 128, ReuseAddr => 1, Blocking => 0,
) or die "cannot listen on port $ARGV[0]: $!\n";

my $readers = IO::Select->new($listener);
my $writers = IO::Select->new;
my %pending;          # Descriptor -> output that waits for room.
my $accept_again_at;

sub drop {
    my ($client) = @_;
    delete $pending{fileno $client};
    $readers->remove($client);
    $writers->remove($client);
    close $client;
}

sub welcome {
    if (my $client = $listener->accept) {
        $client->blocking(0);
        setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
        $readers->add($client);
        return;
    }
    # Without a free descriptor the listener would be ready again and again.
    return unless $! == EMFILE || $! == ENFILE || $! == ENOBUFS || $! == ENOMEM;
    $readers->remove($listener);
    $accept_again_at = time + $pause;
}

# Either output waits, and the client is not read from, or none does, and it is.
sub flush_output {
    my ($client) = @_;
    my $number = fileno $client;
    my $sent   = syswrite $client, $pending{$number};
    if (!defined $sent) {
        drop($client) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    substr $pending{$number}, 0, $sent, '';
    return if length $pending{$number};
    $writers->remove($client);
    $readers->add($client);
}

sub receive_input {
    my ($client) = @_;
    my $count  = sysread $client, my ($octets), $room;
    if (!defined $count) {
        drop($client) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    return drop($client) if $count == 0;
    $pending{fileno $client} = $octets;
    $readers->remove($client);
    $writers->add($client);
    flush_output($client);
}

while (1) {
    my $wait = defined $accept_again_at ? $accept_again_at - time : undef;
    if (defined $wait && $wait <= 0) {
        $readers->add($listener);
        $wait = $accept_again_at = undef;
    }
    my ($readable, $writable) = IO::Select->select($readers, $writers, undef, $wait);
    for my $ready (@{ $readable // [] }) {
        $ready == $listener ? welcome() : receive_input($ready);
    }
    flush_output($_) for @{ $writable // [] };
}
