"""Cases for steps_test.ts from the published code of Self-Instruct (github.com/yizhongw/self-instruct, Apache-2.0):

    python make_golden.py FOLDER_OF_THE_REPOSITORY > golden.json

Random answers are put together from pieces that the parsers know, and taken apart by its own functions."""
import ast, json, random, re, string, sys

def functions(path, names):
    tree = ast.parse(open(path).read())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    space = {'re': re, 'string': string}
    exec(compile(tree, path, 'exec'), space)
    return space

root = sys.argv[1] + '/self_instruct/'
boot = functions(root + 'bootstrap_instructions.py', ['encode_prompt', 'find_word_in_string', 'post_process_gpt3_response'])
prep = functions(root + 'prepare_for_finetuning.py', ['parse_input_output', 'filter_duplicate_instances', 'filter_invalid_instances',
                                                      'parse_instances_for_generation_task', 'parse_instances_for_classification_task'])
random.seed(0)
words = ['sort', 'words', 'and', 'say', 'which', 'one', 'is', 'longer', 'than', 'all', 'others', 'in', 'it'] * 5 + ['sort', 'the', 'list', 'of', 'names', 'image', 'maps', 'mapping', 'Graph', 'go to', 'plot', 'write', 'a', 'poem', 'about', 'Paris', 'file', 'profile']
starts = ['', '', '', '', '', 'Write a program that', '- ', 'Écris', '"Say"', 'go']
def instruction():
    n = random.choice([1, 3, 4, 5, 8, 149, 151]) if random.random() < .15 else random.randint(4, 12)
    return (random.choice(starts) + ' ' + ' '.join(random.choice(words) for _ in range(n))).strip()
def instructions():
    text = ' ' + instruction()
    for i in range(random.randint(0, 6)): text += ''.join([random.choice(['\n', '\n', '\n', ' ']), str(10 + i), random.choice(['. ', '. ', ' . ', '.']), instruction()])
    return text
pieces = ['Example 1', 'Example 2', 'Example 3.', 'Output:', 'Output 2:', 'Input:', 'Input 1:', 'List: 3, 1, 2', '1, 2, 3', 'a b c', 'Question:', '', 'x', 'Output : y', 'yes']
labels = ['Class label: A', 'Class label: B', 'Class label:', 'Class label: yes\nText: one', 'Class label: no\nText: one', 'Text: two', 'Class label: yes\nText: one', '', 'ends:', 'Class label: A\nA']
def answer(of): return '\n'.join(random.choice(of) for _ in range(random.randint(1, 8)))
meta = lambda reason: {'response': {'choices': [{'finish_reason': reason}]}}
cases = {'instructions': [], 'generation': [], 'classification': [], 'prompt': None}
shown = ['Sort  the list:', 'Say\n\thello.', 'Why is that so?', 'a', 'b::', ' c ', 'd', 'e']
cases['prompt'] = {'shown': shown, 'text': boot['encode_prompt'](shown)}
for _ in range(80):
    text = instructions()
    found = boot['post_process_gpt3_response']({'choices': [{'finish_reason': 'stop', 'text': text}]})
    cases['instructions'].append({'text': text, 'kept': found})
for name, of in [('generation', pieces), ('classification', labels)]:
    parse = prep[f'parse_instances_for_{name}_task']
    for _ in range(80):
        text, reason = answer(of), random.choice(['stop', 'stop', 'length'])
        cases[name].append({'text': text, 'ended': reason == 'stop', 'kept': sorted([i, o] for _, i, o in parse(text, 'Do it.', meta(reason)))})
json.dump(cases, sys.stdout, ensure_ascii=False, separators=(',', ':'))
