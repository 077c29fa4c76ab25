# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The command line, and what --check-config says."""

import json
import os

from server import check, same

# What is written where, and what is said about it: the line of the file, a part of the sentence.
MISTAKES = [
    ('unknown key', dict(top='worker 2'), 3, 'did you mean "workers"?'),
    ('wrong type', dict(top='workers many'), 3, 'workers'),
    ('out of bounds', dict(top='workers 1000'), 3, 'workers'),
    ('unknown block', dict(rest='hosts b.example { }'), 12, 'did you mean "host"?'),
    ('key of limits', dict(top='limits { resources 0 }'), 3, 'resources'),
    ('key of c2s', dict(top='c2s { mechanisms [ LOGIN ] }'), 3, 'mechanisms'),
    ('log level', dict(top='log { level loud }'), 3, 'level'),
    ('database', dict(top='storage { driver oracle }'), 3, 'driver'),
    ('port', dict(top='listen x { port 70000 }'), 3, 'port'),
    ('no port', dict(top='listen x { type c2s }'), 3, '"port" is missing'),
    ('kind of port', dict(top='listen x { type ftp  port 21 }'), 3, 'type'),
    ('address of a port', dict(top='listen x { port 1  addresses [ localhost ] }'), 3, '"localhost" is no address'),
    ('one port twice', dict(top='listen x { port 7 }\nlisten y { port 7 }'), 4, 'listen on the same port'),
    ('domain', dict(rest='host "not a domain" { certificate cert.crt\nkey cert.key }'), 12, 'is not a domain'),
    ('one domain twice', dict(rest='host A.example { certificate cert.crt\nkey cert.key }'), 12, 'is served twice'),
    ('no certificate', dict(rest='host b.example { key cert.key }'), 12, '"certificate" is missing'),
    ('admin', dict(host='admins [ a.example ]'), 10, 'not the address of an account'),
    ('resource of an admin', dict(host='admins [ a@a.example/b ]'), 10, 'not the address of an account'),
    ('unknown module', dict(modules='modules [ teleport ]'), 9, 'teleport'),
    ('name of a module', dict(modules='modules [ ../ping ]'), 9, 'not the name of a module'),
    ('module twice', dict(modules='modules [ ping ping ]'), 9, 'listed twice'),
    ('key of a module', dict(host='module version { show_osx yes }'), 10, 'did you mean "show_os"?'),
    ('block of a module that is not listed', dict(host='module vcard { }'), 10, 'not in the list'),
    ('block of a module that nobody lists', dict(rest='module vcard { }'), 12, 'in no host'),
    ('domain of a service', dict(modules='modules [ echo ]', host='module echo { service_domain "a b" }'), 10,
     'is not a domain'),
    ('domain of a service that is a host', dict(modules='modules [ echo ]',
                                                host='module echo { service_domain a.example }'), 6, 'served twice'),
]


def test_a_right_configuration_is_fine(server):
    same(server.run('--check-config'), (0, 'configuration is fine\n', ''))
    check(not os.path.exists(server.path('data')), 'the data directory was made')


def test_the_sample_is_right(server):
    """But for its certificate."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    with open(os.path.join(top, 'etc', 'hermod.conf'), encoding='utf-8') as file:
        text = file.read()
    server.write_config(text.replace('/etc/hermod/example.org.crt', 'cert.crt')
                        .replace('/etc/hermod/example.org.key', 'cert.key'))
    same(server.run('--check-config')[:2], (0, 'configuration is fine\n'))


def test_each_mistake_is_told_with_its_line(server):
    wrong = []
    for name, parts, line, text in MISTAKES:
        server.configure(**parts)
        status, out, error = server.run('--check-config')
        place = f'{server.config_path}:{line}: '
        if status != 1 or out or not any(said.startswith(place) and text in said for said in error.splitlines()):
            wrong.append(f'{name}: expected line {line} and "{text}", got status {status} and\n{error}')
    check(not wrong, '\n'.join(wrong))


def test_all_mistakes_are_told_at_once(server):
    server.configure(top='worker 2\nlimits { resources 0 }', host='admins [ nobody ]\nmodule version { x 1 }')
    status, _, error = server.run('--check-config')
    same(status, 1)
    same(len(error.splitlines()), 4, f'mistakes in\n{error}')


def test_certificates_are_looked_at(server):
    other = server.path('other.key')
    with open(server.path('text'), 'w', encoding='ascii') as file:
        file.write('no certificate\n')
    os.rename(server.key, other)
    for certificate, key in (('text', 'other.key'), ('cert.crt', 'missing.key'), ('missing.crt', 'other.key')):
        server.write_config(f'data_directory data\nrun_directory run\nhost a.example {{\n\tcertificate {certificate}\n'
                            f'\tkey {key}\n\tmodules [ ping ]\n}}\n')
        status, _, error = server.run('--check-config')
        check(status == 1 and f'{server.config_path}:4: ' in error, f'status {status}, said: {error}')


def test_a_server_does_not_start_on_mistakes(server):
    server.configure(top='workers many')
    status, _, error = server.run()
    same(status, 1)
    check(f'{server.config_path}:3: ' in error, error)


def test_no_file_is_a_mistake(server):
    os.remove(server.config_path)
    status, _, error = server.run('--check-config')
    check(status == 1 and server.config_path in error, error)


def test_options(server):
    status, out, _ = server.run('--version')
    check(status == 0 and out.startswith('hermod '), out)
    status, out, _ = server.run('--help')
    check(status == 0 and '--check-config' in out, out)
    for wrong in (['--nonsense'], ['word'], ['--test-seed', 'x'], ['--config']):
        status, _, error = server.run(*wrong)
        check(status == 2 and error, f'{wrong}: status {status}, said: {error}')


def test_describe_is_json_of_everything(server):
    status, out, error = server.run('--describe')
    same((status, error), (0, ''))
    all_of_it = json.loads(out)
    same([block['block'] for block in all_of_it['configuration']],
         ['', 'log', 'storage', 'resolver', 'limits', 'c2s', 's2s', 'listen', 'host'])
    commands = [command['command'] for command in all_of_it['commands']]
    check({'account add', 'status', 'reload', 'config show'} <= set(commands), commands)
    same([part['part'] for part in all_of_it['parts']], ['stream', 'core'])
    check('RFC 6120' in [spec['name'] for spec in all_of_it['parts'][0]['specs']], 'no RFC 6120')
    check('hermod_sessions' in [metric['name'] for metric in all_of_it['metrics']], 'no metrics')
    check(any('accounts' in statement['sqlite'] for statement in all_of_it['statements']),
          'no statements of the core')
    modules = {module['module']: module for module in all_of_it['modules']}
    same(modules['version']['config'][0]['name'], 'show_os')
    same([spec['name'] for spec in modules['ping']['specs']], ['XEP-0199'])
    check(modules['roster']['statements'] and modules['roster']['hooks'], 'the roster declares nothing')
